"""One answer as the terminal needs it: shown as it comes, timed, counted, and fit to be shown."""

from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from beseda.core.clock import Clock
from beseda.core.usage import Usage

if TYPE_CHECKING:
    from beseda.llm.base import ChatModel, Finished, ModelRequest

# A model's words must not move a terminal's cursor, set its title or speak in its name; nor turn text around.
_UNPRINTABLE = {
    code: None
    for code in [*range(32), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
    if chr(code) not in "\n\t"
}

_SMALLEST_SUM = 0.000001  # US dollars: the least that six decimals can show


def clean_text(text: str) -> str:
    """Return `text` without the control characters that a terminal would interpret."""
    return text.translate(_UNPRINTABLE)


@dataclass(slots=True)
class Answer:
    """The text that a model has produced so far, with timings in seconds. `end` is None until it is complete."""

    name: str
    started: float
    text: str = ""
    first_token: float | None = None
    total: float = 0.0
    end: "Finished | None" = None
    error: str = ""

    @property
    def usage(self) -> Usage:
        return self.end.usage if self.end else Usage(estimated=True)

    @property
    def model(self) -> str:
        """`endpoint:model` that really answered; until that is known, the one that was asked."""
        return put_in_line(f"{self.end.endpoint}:{self.end.model}") if self.end else self.asked

    @property
    def asked(self) -> str:
        """The name by which it was asked: perhaps a short one."""
        return put_in_line(self.name)

    @property
    def speed(self) -> float | None:
        """Tokens per second after the first token, or None if the time is too short to measure."""
        if self.first_token is None or self.end is None:
            return None
        seconds = self.total - self.first_token
        return self.usage.completion_tokens / seconds if seconds > 0.001 else None


def put_in_line(text: str) -> str:
    """Return `text` in one line, fit for a terminal."""
    return " ".join(clean_text(text).split())


class AnswerListener(Protocol):
    """Consumer of an answer while it is streamed."""

    def show(self, piece: str) -> None:
        """Take a piece of the answer."""
        ...

    def retract(self) -> None:
        """Take that all pieces so far were reasoning: the answer begins now."""
        ...

    def wait(self, ahead: int) -> None:
        """Take that `ahead` answers to others come first; 0: the model is still being loaded."""
        ...


async def receive_answer(
    model: "ChatModel", request: "ModelRequest", clock: Clock, listener: AnswerListener | None = None
) -> Answer:
    """Return the answer, and pass its pieces to `listener` as they arrive. Raises the errors of the model."""
    answer = Answer(model.name, clock.monotonic())
    await fill_answer(answer, model, request, clock, listener)
    return answer


async def fill_answer(
    answer: Answer, model: "ChatModel", request: "ModelRequest", clock: Clock, listener: AnswerListener | None
) -> None:
    """Fill `answer` as the model streams. The text received before an interruption is kept."""
    from beseda.llm.base import Finished, Retracted, TextDelta, Waiting

    try:
        async with aclosing(model.stream(request)) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    if answer.first_token is None:
                        answer.first_token = clock.monotonic() - answer.started
                    piece = clean_text(event.text)
                    answer.text += piece
                    if listener:
                        listener.show(piece)
                elif isinstance(event, Retracted):
                    answer.text = ""
                    if listener:
                        listener.retract()
                elif isinstance(event, Finished):
                    answer.end = event
                elif isinstance(event, Waiting) and listener:
                    listener.wait(event.ahead)
    finally:
        answer.total = clock.monotonic() - answer.started


def describe_usage(usage: Usage) -> str:
    """Return tokens and cost in one line; `~` marks counts that no server gave."""
    about = "~" if usage.estimated else ""
    line = f"{about}{usage.prompt_tokens} tokens in, {about}{usage.completion_tokens} out"
    return f"{line}, {format_cost(usage.cost)}" if usage.cost is not None else line


def format_cost(cost: float | None) -> str:
    """Return a sum in US dollars, or – if the cost is unknown. A cost above zero is never shown as zero."""
    if cost is None:
        return "–"
    if 0 < cost < _SMALLEST_SUM:
        return f"<${_SMALLEST_SUM:.6f}"
    return f"${cost:.6f}" if 0 < cost < 0.01 else f"${cost:.4f}"
