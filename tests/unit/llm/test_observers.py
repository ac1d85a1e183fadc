"""Observers of a call: each one that begins ends, in every way that a call can end."""

from contextlib import aclosing

import pytest

from beseda.core.errors import QuotaExceededError, UnavailableError
from beseda.llm.base import Finished, ModelEvent, ModelRequest, ObservedCall, ObservedModel, StreamObserver, TextDelta
from beseda.testing.scripted_model import ScriptedAnswer, ScriptedModel
from tests.parts.model_events import listen

REQUEST = ModelRequest([])


class Log:
    """Makes observers that log their calls."""

    def __init__(self) -> None:
        self.entries: list[str] = []
        self.error: BaseException | None = None

    def open(self, call: ObservedCall) -> StreamObserver:
        return _Logged(call, self)


class _Logged(StreamObserver):
    def __init__(self, call: ObservedCall, log: Log) -> None:
        super().__init__(call)
        self._log = log

    async def on_start(self) -> None:
        self._log.entries.append("start")

    def on_event(self, event: ModelEvent) -> ModelEvent:
        self._log.entries.append(type(event).__name__)
        return event

    async def on_end(self) -> None:
        self._log.entries.append("end")
        self._log.error = self._call.error


class _Refusing(StreamObserver):
    async def on_start(self) -> None:
        raise QuotaExceededError("used up")


class _Loud(StreamObserver):
    def on_event(self, event: ModelEvent) -> ModelEvent:
        return TextDelta(event.text.upper()) if isinstance(event, TextDelta) else event


class _Other(StreamObserver):
    async def on_start(self) -> None:
        self._call.model = ScriptedModel(["the other"], name="other:model")


async def test_observer_sees_the_events_between_start_and_end() -> None:
    log = Log()
    assert (await listen(ObservedModel(ScriptedModel(["yes"]), log.open))).text == "yes"
    assert log.entries == ["start", "TextDelta", "Finished", "end"]
    assert log.error is None


async def test_error_of_the_model_ends_the_call_of_an_observer() -> None:
    log, broken = Log(), ScriptedAnswer(pieces=("a",), error=UnavailableError("down"))
    with pytest.raises(UnavailableError):
        await listen(ObservedModel(ScriptedModel([broken]), log.open))
    assert log.entries == ["start", "TextDelta", "end"]
    assert isinstance(log.error, UnavailableError)


async def test_consumer_that_leaves_ends_the_call_and_the_stream() -> None:
    log, model = Log(), ScriptedModel([ScriptedAnswer(pieces=("a", "b", "c"))])
    async with aclosing(ObservedModel(model, log.open).stream(REQUEST)) as events:
        await anext(events)
    assert log.entries == ["start", "TextDelta", "end"]
    assert (model.left, model.running) == (1, 0)


async def test_refused_call_never_reaches_the_model_and_ends_for_those_that_began() -> None:
    log, model = Log(), ScriptedModel(["yes"])
    with pytest.raises(QuotaExceededError):
        await listen(ObservedModel(model, log.open, _Refusing, log.open))
    assert log.entries == ["start", "end"]
    assert isinstance(log.error, QuotaExceededError)
    assert model.requests == []


async def test_observers_take_events_in_their_order() -> None:
    heard = await listen(ObservedModel(ScriptedModel(["yes"]), _Loud, Log().open))
    assert heard.text == "YES"
    assert isinstance(heard.events[-1], Finished)


async def test_observer_may_choose_another_model() -> None:
    model = ScriptedModel(["yes"])
    heard = await listen(ObservedModel(model, _Other))
    assert (heard.text, heard.end.endpoint) == ("the other", "other")
    assert model.requests == []
