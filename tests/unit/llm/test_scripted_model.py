import asyncio
from contextlib import aclosing

import pytest

from beseda.core.errors import UnavailableError
from beseda.core.usage import Usage
from beseda.llm.base import FinishReason
from beseda.testing.clock import ManualClock
from beseda.testing.scripted_model import ScriptedAnswer, ScriptedModel
from tests.parts.model_events import Heard, ask, listen


async def test_entries_are_taken_in_order() -> None:
    model = ScriptedModel(["one", UnavailableError("down"), lambda request: request.messages[-1].content])

    assert (await listen(model)).text == "one"
    with pytest.raises(UnavailableError):
        await listen(model)
    assert (await listen(model, ask("echo"))).text == "echo"
    assert (len(model.requests), model.waiting) == (3, 0)


async def test_end_of_the_script_is_reported() -> None:
    with pytest.raises(LookupError, match="request 1 has no answer"):
        await listen(ScriptedModel())


async def test_everything_can_be_set() -> None:
    answer = ScriptedAnswer(pieces=("a",), reasoning="r", reason=FinishReason.LENGTH, usage=Usage(1, 2, 0.5))
    heard = await listen(ScriptedModel([answer], name="x:y"))

    assert (heard.text, heard.reasoning) == ("a", "r")
    assert (heard.end.reason, heard.end.usage) == (FinishReason.LENGTH, Usage(1, 2, 0.5))
    assert (heard.end.endpoint, heard.end.model) == ("x", "y")


async def test_pauses_are_on_the_clock() -> None:
    clock = ManualClock()
    model = ScriptedModel([ScriptedAnswer(pieces=("a", "b"), delay=3.0, pause=1.0)], clock=clock)
    heard = Heard()
    task = asyncio.create_task(listen(model, heard=heard))
    await clock.advance(3)
    before = heard.text
    await clock.advance(1)
    await task

    assert (before, heard.text) == ("a", "ab")
    assert model.running == 0


async def test_leaving_is_counted() -> None:
    model = ScriptedModel([ScriptedAnswer(pieces=("a", "b"))])
    async with aclosing(model.stream(ask())) as events:
        await anext(events)
        assert model.running == 1

    assert (model.running, model.left, model.most_running) == (0, 1, 1)
