"""An operator in a conversation: a real bot on one side, the API on the other, one database between them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from beseda.testing.scripted_model import ScriptedModel
from tests.parts.api_server import Answer, ApiServer, serve_app_api
from tests.parts.living_bot import LivingBot, living_bot
from tests.parts.model_events import said_in
from tests.parts.waiting import eventually


@dataclass
class Desk:
    """The bot, the API, and the conversation that Anna has begun."""

    bot: LivingBot
    api: ApiServer
    model: ScriptedModel
    conversation: int

    @property
    def place(self) -> str:
        """The address of the conversation."""
        return f"/api/v1/conversations/{self.conversation}"

    async def send(self, text: str, **fields: str) -> Answer:
        """Write as an operator."""
        return await self.api.call("POST", f"{self.place}/messages", scope="write", json={"text": text, **fields})

    async def transcript(self) -> list[tuple[str, str, str | None]]:
        """Return who said what."""
        page = (await self.api.get(f"{self.place}/messages")).json
        return [(item["role"], item["content"], item["operator"]) for item in page["items"]]

    async def wait_for(self, count: int) -> list[tuple[str, str, str | None]]:
        """Wait until so many messages are in the transcript, and return them."""

        async def are_there() -> bool:
            return len(await self.transcript()) >= count

        await eventually(are_there)
        return await self.transcript()


@asynccontextmanager
async def open_desk(folder: Path) -> AsyncIterator[Desk]:
    model = ScriptedModel(fallback="from the model")
    async with living_bot(folder, model) as bot, serve_app_api(folder, bot.app) as api:
        anna = await bot.user()
        await anna.say("Hello")
        await anna.wait_reply()
        await bot.settle()
        [line] = (await api.get("/api/v1/conversations")).json["items"]
        yield Desk(bot, api, model, line["id"])


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path) as opened:
        yield opened


async def test_operators_message_reaches_the_person_and_the_transcript(desk: Desk) -> None:
    anna = await desk.bot.user()
    answer = await desk.send("Is 2 * 3 * 4 <b>fine</b>?", operator="Maria")
    assert (answer.status, answer.json["state"]) == (202, "accepted")
    assert (await anna.wait_reply())["text"] == "Is 2 * 3 * 4 <b>fine</b>?"
    assert (await desk.wait_for(3))[2] == ("assistant", "Is 2 * 3 * 4 <b>fine</b>?", "Maria")


async def test_operators_markdown_is_formatted_and_the_keys_name_is_the_operators(desk: Desk) -> None:
    anna = await desk.bot.user()
    await desk.send("**Yes**", markup="markdown")
    reply = await anna.wait_reply()
    assert (reply["text"], reply["entities"][0]["type"]) == ("Yes", "bold")
    assert (await desk.wait_for(3))[2] == ("assistant", "**Yes**", "writeer")


async def test_bot_keeps_silent_while_an_operator_answers(desk: Desk) -> None:
    anna = await desk.bot.user()
    taken = await desk.api.call("PUT", f"{desk.place}/takeover", scope="write", json={"operator": "Maria"})
    assert (taken.status, taken.json["operator"]) == (200, "Maria")
    asked, typed = len(desk.model.requests), len(await desk.bot.calls("sendChatAction"))
    await anna.say("Is anybody there?")
    assert (await desk.wait_for(3))[2] == ("user", "Is anybody there?", None)
    await desk.bot.settle()
    assert len(desk.model.requests) == asked
    assert len(await desk.bot.calls("sendChatAction")) == typed
    assert [entry["text"] for entry in await anna.history()] == ["Hello", "from the model", "Is anybody there?"]


async def test_model_knows_the_messages_in_between(desk: Desk) -> None:
    anna = await desk.bot.user()
    await desk.api.call("PUT", f"{desk.place}/takeover", scope="write")
    await anna.say("How much?")
    await desk.wait_for(3)
    await desk.send("Ten", operator="Maria")
    assert (await anna.wait_reply())["text"] == "Ten"
    assert (await desk.api.call("DELETE", f"{desk.place}/takeover", scope="write")).status == 204
    await anna.say("And tomorrow?")
    assert (await anna.wait_reply())["text"] == "from the model"
    said = said_in(desk.model.requests[-1])
    assert said == ["Hello", "from the model", "How much?", "Ten", "And tomorrow?"]


async def test_commands_still_work_while_an_operator_answers(desk: Desk) -> None:
    anna = await desk.bot.user()
    await desk.api.call("PUT", f"{desk.place}/takeover")
    await anna.say("/help")
    assert await anna.wait_reply()


async def test_same_operator_takes_over_once_another_one_again(desk: Desk) -> None:
    async def take(operator: str) -> Answer:
        return await desk.api.call("PUT", f"{desk.place}/takeover", json={"operator": operator})

    first, second, third = [(await take(name)).json["since"] for name in ("Maria", "Maria", "Boris")]
    assert first == second < third
    line = (await desk.api.get(desk.place)).json
    assert line["takeover"] == {"operator": "Boris", "since": third}


async def test_giving_back_a_free_conversation_succeeds(desk: Desk) -> None:
    assert (await desk.api.call("DELETE", f"{desk.place}/takeover")).status == 204
    assert (await desk.api.call("DELETE", "/api/v1/conversations/99/takeover")).status == 404
    assert (await desk.api.call("PUT", "/api/v1/conversations/99/takeover")).status == 404
    assert (await desk.api.call("POST", "/api/v1/conversations/99/messages", json={"text": "x"})).status == 404
