"""Limits on answers: too long, repeating, empty, or a refusal by a content filter."""

import re
from dataclasses import dataclass

from beseda.core.errors import EmptyAnswerError, RefusedAnswerError, RepeatingAnswerError, ThoughtsOnlyError
from beseda.core.message import Role
from beseda.core.usage import Usage
from beseda.llm.base import (
    Finished,
    FinishReason,
    ModelEvent,
    ModelRequest,
    ObservedCall,
    ReasoningDelta,
    Retracted,
    StreamObserver,
    TextDelta,
)
from beseda.llm.token_estimate import estimate_tokens

_STEP = 128
_ENDING = 24  # characters whose earlier occurrence gives the length of the phrase
_LONGEST_PHRASE = 400
_WINDOW = 3 * _LONGEST_PHRASE
_SHORT_PHRASE = 12
_FEWEST_COPIES = 4  # of a long phrase: a song has its refrain three times


# "A hundred hearts", "напиши это сто раз": only then is a text that goes in circles an answer.
_ASKS_TO_REPEAT = re.compile(
    r"\brepeat|\btimes\b|\bhundred|\bthousand|\bendless|\bforever|\bповтор|\bраз\b|\bсто\b|\bсот|\bтысяч|\bбесконечн"
    r"|\b(?:\d{2,3}|1000) +[^\W\d]",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardLimits:
    """`max_characters` of the answer and `max_reasoning_characters` of reasoning; the answer is cut at either limit.

    An answer repeats itself if one phrase alone fills `circling_characters`. `circling_short_characters` applies to a
    phrase of a few letters or digits, `circling_mark_characters` to one without any: tables, rules and indentation
    repeat by nature. A slow model writes some twenty characters a second, so these limits stop a repetition in seconds.
    If the question asks for a repetition, they are multiplied by `asked_factor`.
    """

    max_characters: int = 60_000
    max_reasoning_characters: int = 400_000
    circling_characters: int = 1_000
    circling_short_characters: int = 300
    circling_mark_characters: int = 2_000
    asked_factor: int = 40


class RepeatDetector:
    """Detects repeated text. Checks once in 128 characters, looking at the last 1,200. Does no I/O.

    With `asked` the limits for a requested repetition apply.
    """

    def __init__(self, limits: GuardLimits, *, asked: bool = False) -> None:
        self._limits = limits
        self._factor = limits.asked_factor if asked else 1
        self._tail = ""
        self._fresh = ""
        self._circling = 0

    @property
    def circling(self) -> int:
        """Number of characters at the end of the text that are copies of one phrase."""
        return self._circling

    def feed(self, text: str) -> bool:
        """Add the next piece. Return True if one phrase has been repeated for too long."""
        self._fresh += text
        while len(self._fresh) >= _STEP:
            self._tail = (self._tail + self._fresh[:_STEP])[-_WINDOW:]
            self._fresh = self._fresh[_STEP:]
            if self._look():
                return True
        return False

    def _look(self) -> bool:
        tail = self._tail
        earlier = tail.rfind(tail[-_ENDING:], 0, len(tail) - 1)
        period = len(tail) - _ENDING - earlier
        if earlier < 0 or period > _LONGEST_PHRASE:
            self._circling = 0
            return False
        phrase = tail[-period:]
        copies = max(3, -(-_STEP // period))
        if not tail.endswith(phrase * copies):
            self._circling = 0
            return False
        self._circling = self._circling + _STEP if self._circling else copies * period
        return self._circling >= self._find_limit(phrase) * self._factor

    def _find_limit(self, phrase: str) -> int:
        if not any(map(str.isalnum, phrase)):
            return self._limits.circling_mark_characters
        if len(phrase) < _SHORT_PHRASE:
            return self._limits.circling_short_characters
        return max(self._limits.circling_characters, _FEWEST_COPIES * len(phrase))


def asks_to_repeat(request: ModelRequest) -> bool:
    """Return whether the last message of a person asks for a repetition; a form never holds one."""
    if request.schema is not None:
        return False
    said = next((message.content for message in reversed(request.messages) if message.role is Role.USER), "")
    return _ASKS_TO_REPEAT.search(said) is not None


class AnswerGuard(StreamObserver):
    """Checks an answer. One that is too long is cut and ends with the reason `length`.

    Raises EmptyAnswerError, RefusedAnswerError, RepeatingAnswerError and ThoughtsOnlyError.
    """

    def __init__(self, call: ObservedCall, limits: GuardLimits | None = None) -> None:
        super().__init__(call)
        self._limits = limits or GuardLimits()
        self._asked = asks_to_repeat(call.request)
        self._detector = RepeatDetector(self._limits, asked=self._asked)
        self._thought_detector = RepeatDetector(self._limits, asked=self._asked)
        self._length = 0
        self._thought_length = 0
        self._has_thought = False
        self._pieces: list[str] = []
        self._blank = True

    def on_event(self, event: ModelEvent) -> ModelEvent:
        """Return the event; of a text, the part that the limit allows."""
        if type(event) is TextDelta:
            text = event.text
            self._length += len(text)
            if self._length > self._limits.max_characters:
                return self._cut(text)
            self._pieces.append(text)
            if self._blank:
                self._blank = not text.strip()
            if self._detector.feed(text):
                raise self._describe_circle()
        elif type(event) is ReasoningDelta:
            self._take_thought(event.text)
        elif type(event) is Retracted:
            self._retract()
        elif type(event) is Finished:
            self._check_end(event)
        return event

    def _cut(self, text: str) -> TextDelta:
        """End the answer with the part of `text` that the limit allows."""
        kept = text[: len(text) - (self._length - self._limits.max_characters)]
        self._length = self._limits.max_characters
        self._pieces.append(kept)
        if self._detector.feed(kept):
            raise self._describe_circle()
        self._call.cut = self._describe_cut()
        return TextDelta(kept)

    def _describe_circle(self) -> RepeatingAnswerError:
        return RepeatingAnswerError(
            f"the same phrase again and again after {self._length} characters",
            endpoint=self._call.model.name,
            kept=max(0, self._length - self._detector.circling),
        )

    def _retract(self) -> None:
        """Restart the checks: all text so far was reasoning."""
        self._thought_length += self._length
        self._has_thought = True
        self._length, self._blank = 0, True
        self._detector = RepeatDetector(self._limits, asked=self._asked)

    def _take_thought(self, text: str) -> None:
        self._thought_length += len(text)
        self._has_thought = self._has_thought or bool(text.strip())
        if self._thought_detector.feed(text):
            raise RepeatingAnswerError(
                f"reasoning in circles after {self._thought_length} characters", endpoint=self._call.model.name
            )
        if self._thought_length > self._limits.max_reasoning_characters:
            if self._blank:
                raise self._describe_thoughts()
            self._call.cut = self._describe_cut()

    def _check_end(self, event: Finished) -> None:
        if event.reason is FinishReason.FILTER:
            raise RefusedAnswerError("the provider's filter ended the answer", endpoint=self._call.model.name)
        if self._blank and self._has_thought:
            raise self._describe_thoughts()
        if self._blank:
            raise EmptyAnswerError("an answer without a word", endpoint=self._call.model.name)

    def _describe_thoughts(self) -> ThoughtsOnlyError:
        message = f"{self._thought_length} characters of reasoning and no answer"
        return ThoughtsOnlyError(message, endpoint=self._call.model.name)

    def _describe_cut(self) -> Finished:
        prompt = sum(estimate_tokens(message.content) for message in self._call.request.messages)
        usage = Usage(prompt, estimate_tokens("".join(self._pieces)), estimated=True)
        endpoint, _, model = self._call.model.name.partition(":")
        return Finished(FinishReason.LENGTH, usage, endpoint, model)
