"""A model that is busy with others: who waits is told so, and reads nothing of it once the answer comes."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from beseda.core.clock import SystemClock
from beseda.core.usage import Usage
from beseda.http.client import HttpClient
from beseda.llm.base import Finished, FinishReason, ModelEvent, ModelRequest, TextDelta, Waiting
from beseda.llm.registry import LLMSettings, build_model
from beseda.testing.scripted_model import ScriptedModel
from tests.parts.living_bot import ANNA, CHRIS, GROUP, living_bot
from tests.parts.model_server import ModelServer, Reply, refuse


class BusyModel(ScriptedModel):
    """Answers once `free` is set; until then two are ahead, then one."""

    def __init__(self) -> None:
        super().__init__()
        self.moved = asyncio.Event()
        self.free = asyncio.Event()

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        yield Waiting(2)
        await self.moved.wait()
        yield Waiting(1)
        await self.free.wait()
        yield TextDelta("your turn")
        yield Finished(FinishReason.STOP, Usage(), "scripted", "model")


@pytest.mark.parametrize(("person", "words"), [(ANNA, "перед вами {}"), (CHRIS, "{} ahead of you")])
async def test_waiting_person_sees_the_number_ahead(tmp_path: Path, person: int, words: str) -> None:
    model = BusyModel()
    async with living_bot(tmp_path, model) as living:
        user = await living.user(person)
        await user.say("Hi")
        assert words.format(2) in (await user.wait_draft())["text"]
        model.moved.set()
        assert words.format(1) in (await user.wait_draft())["text"]
        model.free.set()
        assert (await user.wait_reply())["text"] == "your turn"


async def test_line_in_a_group_is_replaced_by_the_answer(tmp_path: Path) -> None:
    model = BusyModel()
    async with living_bot(tmp_path, model) as living:
        anna = await living.user(ANNA, f"group:{GROUP}")
        await anna.say("@assistant_bot hi")
        first = await anna.wait_text("перед вами 2")
        model.moved.set()
        model.free.set()
        last = await anna.wait_text("your turn")
        assert (first["message_id"], last["text"]) == (last["message_id"], "your turn")
        await living.settle()


async def test_stop_while_in_line_offers_another_try(tmp_path: Path) -> None:
    async with living_bot(tmp_path, BusyModel()) as living:
        anna = await living.user()
        await anna.say("Hi")
        await anna.wait_draft()
        await anna.say("/stop")
        assert (await anna.wait_reply())["text"] == "Хорошо, молчу."


async def test_a_model_that_is_loading_is_reported_in_the_chat_and_waited_for(tmp_path: Path) -> None:
    refusal = refuse(503, {"code": 503, "message": "Loading model", "type": "unavailable_error"})
    http = HttpClient()
    async with ModelServer() as server:
        server.script(refusal, refusal, Reply(text="I am loaded"))
        settings = LLMSettings(base_urls={"llamacpp": server.base_url}, model_names={"llamacpp": "m"})
        model = build_model("llamacpp", settings, SystemClock(), http)
        async with living_bot(tmp_path, model, "llama") as living:
            anna = await living.user(ANNA)
            await anna.say("Привет")
            assert "Модель ещё загружается" in (await anna.wait_draft())["text"]
            assert "I am loaded" in (await anna.wait_reply())["text"]
        await http.close()
