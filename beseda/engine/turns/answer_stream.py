"""Consumer of a model's answer stream: collects the text until the stream ends or the user stops it."""

import asyncio
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from beseda.core.chat import ChatKey
from beseda.core.clock import Clock
from beseda.core.errors import BesedaError, EmptyAnswerError
from beseda.core.usage import ModelCall, Usage
from beseda.llm.base import ChatModel, Finished, FinishReason, ModelRequest, Retracted, TextDelta, Waiting
from beseda.llm.token_estimate import estimate_tokens
from beseda.locales import Text
from beseda.telegram.base import LiveAnswer

IN_LINE = Text("model_queue.in_line")
LOADING = Text("model_queue.loading")


@dataclass(slots=True)
class GrowingAnswer:
    """An answer that is being generated. Implements `beseda.telegram.base.Draft`; `echo` is shown above the text.

    While the request is queued behind `ahead` others, or while the model is `loading`, a notice about that is shown
    instead of the answer.
    """

    echo: str = ""
    language: str = "ru"
    pieces: list[str] = field(default_factory=list)
    ahead: int = 0
    loading: bool = False
    stopped: bool = False
    task: "asyncio.Task[object] | None" = None

    @property
    def said(self) -> str:
        """The text that the model has generated so far."""
        return "".join(self.pieces)

    @property
    def text(self) -> str:
        if self.pieces or not (self.ahead or self.loading):
            return self.echo + self.said
        waiting = IN_LINE.say(self.language, ahead=self.ahead) if self.ahead else LOADING.say(self.language)
        return self.echo + waiting

    def stop(self) -> bool:
        """Stop the answer and keep its text so far. Return False if no answer was running."""
        if self.task is None or self.stopped:
            return False
        self.stopped = True
        self.task.cancel()
        return True


class Stoppable(Protocol):
    """An answer in progress that can be stopped."""

    def stop(self) -> bool:
        """Stop the answer and keep its text so far. Return False if no answer was running."""
        ...


def draft_number(turn_id: int, place: int = 0) -> int:
    """Return the number of the draft that shows an answer of a turn: of several side by side, that at `place`."""
    return (turn_id + place) & 0x7FFF_FFFF or 1


class RunningAnswers:
    """Answers in progress of one bot, so that they can be stopped. A chat has one answer at a time."""

    def __init__(self) -> None:
        self._by_chat: dict[ChatKey, tuple[Stoppable, frozenset[int]]] = {}

    @contextmanager
    def hold(self, chat: ChatKey, answer: Stoppable, turn_id: int, *, drafts: int = 1) -> Iterator[None]:
        """Let `answer` be stopped for the length of the block, by the number of its turn or of one of its drafts."""
        numbers = frozenset({turn_id, *(draft_number(turn_id, place) for place in range(drafts))})
        self._by_chat[chat] = (answer, numbers)
        try:
            yield
        finally:
            self._by_chat.pop(chat, None)

    def stop(self, chat: ChatKey, number: int | None = None) -> bool:
        """Stop the answer in progress in a chat and return whether there was one.

        With `number`, only if it is the number of its turn or of one of its drafts: buttons outlive their answers.
        """
        answer, numbers = self._by_chat.get(chat, (None, frozenset()))
        return answer is not None and (number is None or number in numbers) and answer.stop()


class CallRecord:
    """Times one model call for the record."""

    def __init__(self, model_name: str, clock: Clock) -> None:
        self._endpoint, _, self._model = model_name.partition(":")
        self._clock = clock
        self._started = clock.monotonic()
        self._first: float | None = None

    def token_came(self) -> None:
        """Note the first token; later ones cost nothing."""
        if self._first is None:
            self._first = self._clock.monotonic()

    def finished(self, end: Finished) -> ModelCall:
        """Return the record of a call that ended well."""
        return self._record(end.endpoint, end.model, end.usage, end.reason.value)

    def failed(self, error: BesedaError) -> ModelCall:
        """Return the record of a call that failed; the reason is the error's kind, never its detail."""
        return self._record(self._endpoint, self._model, Usage(estimated=True), "error", type(error).__name__)

    def stopped(self, request: ModelRequest | None = None, said: str = "") -> Finished:
        """Return the end of a call that the user stopped; the server's own count never came, so it is estimated.

        Without a `request` nothing was asked.
        """
        asked = sum(estimate_tokens(message.content) for message in request.messages) if request else 0
        usage = Usage(asked, estimate_tokens(said), estimated=True)
        return Finished(FinishReason.STOPPED, usage, self._endpoint, self._model)

    def _record(self, endpoint: str, model: str, usage: Usage, reason: str, error: str = "") -> ModelCall:
        now = self._clock.monotonic()
        first = self._first if self._first is not None else now
        return ModelCall(endpoint, model, usage, reason, _ms(first - self._started), _ms(now - self._started), error)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


@dataclass(frozen=True, slots=True)
class AnswerStream:
    """Listens to a model on behalf of one answer."""

    model: ChatModel
    answer: GrowingAnswer
    live: LiveAnswer
    record: CallRecord

    async def listen(self, request: ModelRequest) -> Finished:
        """Fill the answer from the stream and return how it ended.

        A stop by the user is a normal end and keeps the text so far. Raises RemoteError.
        """
        self.answer.task = asyncio.current_task()
        try:
            return await self._take_in(request)
        except asyncio.CancelledError:
            task = self.answer.task
            if not self.answer.stopped or task is None or task.uncancel() > 0:
                raise  # the program ends: the next start takes the turn up
            return self.record.stopped(request, self.answer.said)
        finally:
            self.answer.task = None

    async def _take_in(self, request: ModelRequest) -> Finished:
        async with aclosing(self.model.stream(request)) as events:
            async for event in events:
                if type(event) is TextDelta:
                    self.record.token_came()
                    self.answer.pieces.append(event.text)
                    self.live.touch()
                elif type(event) is Retracted:
                    self.answer.pieces.clear()
                    self.live.touch()
                elif type(event) is Waiting:
                    self.answer.ahead, self.answer.loading = event.ahead, event.ahead == 0
                    self.live.touch()
                elif type(event) is Finished:
                    return event
        raise EmptyAnswerError("the stream ended without saying so")
