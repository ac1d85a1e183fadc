import asyncio
from collections.abc import AsyncGenerator, Sequence

from beseda.cli.answer import Answer, describe_usage, fill_answer, format_cost
from beseda.cli.redraw import RedrawThrottle
from beseda.core.clock import SystemClock
from beseda.core.usage import Usage
from beseda.llm.base import (
    Finished,
    FinishReason,
    ModelEvent,
    ModelHealth,
    ModelRequest,
    ReasoningDelta,
    Retracted,
    TextDelta,
    Waiting,
)
from tests.parts.waiting import eventually


class QueueingModel:
    """Says these events and nothing else."""

    name = "x:y"

    def __init__(self, events: Sequence[ModelEvent]) -> None:
        self._events = events

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        for event in self._events:
            yield event

    async def check(self) -> ModelHealth:
        return ModelHealth(ok=True, detail="")

    async def close(self) -> None:
        pass


class Ear:
    def __init__(self) -> None:
        self.heard: list[str | int] = []

    def show(self, piece: str) -> None:
        self.heard.append(piece)

    def retract(self) -> None:
        self.heard.append("again")

    def wait(self, ahead: int) -> None:
        self.heard.append(ahead)


async def test_answer_is_heard_with_the_line_before_it_and_without_thoughts() -> None:
    end = Finished(FinishReason.STOP, Usage(1, 2), "x", "y\x1b[2J")
    model = QueueingModel([Waiting(2), Waiting(1), ReasoningDelta("hm"), TextDelta("a\x07"), TextDelta("b"), end])
    answer, ear = Answer(model.name, 0.0), Ear()
    await fill_answer(answer, model, ModelRequest([]), SystemClock(), ear)
    assert ear.heard == [2, 1, "a", "b"]
    assert (answer.text, answer.end, answer.model) == ("ab", end, "x:y[2J")
    assert answer.first_token is not None and answer.total >= answer.first_token


def test_speed_counts_from_the_first_token() -> None:
    end = Finished(FinishReason.STOP, Usage(1, 30), "x", "y")
    assert Answer("x:y", 0.0, first_token=1.0, total=4.0, end=end).speed == 10.0
    assert Answer("x:y", 0.0, first_token=1.0, total=1.0, end=end).speed is None
    assert Answer("x:y", 0.0).speed is None


def test_money_is_shown_if_a_model_has_a_price() -> None:
    assert describe_usage(Usage(1, 2)) == "1 tokens in, 2 out"
    assert describe_usage(Usage(1, 2, 0.0, estimated=True)) == "~1 tokens in, ~2 out, $0.0000"
    assert [format_cost(cost) for cost in (None, 0.000012, 1.5)] == ["–", "$0.000012", "$1.5000"]
    assert format_cost(0.0000003) == "<$0.000001"


async def test_pictures_are_few_and_the_last_state_is_among_them() -> None:
    state, drawn = 0, []
    pacer = RedrawThrottle(lambda: drawn.append(state))
    for state in range(100):  # noqa: B007 - the picture reads it
        pacer.ask()

    async def is_last_drawn() -> bool:
        return drawn[-1] == 99

    await eventually(is_last_drawn)
    assert drawn == [0, 99]
    pacer.ask()
    pacer.stop()
    await asyncio.sleep(0)
    assert len(drawn) <= 3


async def test_reasoning_that_looked_like_the_answer_is_taken_back() -> None:
    end = Finished(FinishReason.STOP, Usage(1, 2), "x", "y")
    model = QueueingModel([TextDelta("hm"), Retracted(), TextDelta("a"), end])
    answer, ear = Answer(model.name, 0.0), Ear()
    await fill_answer(answer, model, ModelRequest([]), SystemClock(), ear)
    assert (ear.heard, answer.text) == (["hm", "again", "a"], "a")
