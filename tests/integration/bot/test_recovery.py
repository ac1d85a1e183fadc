"""The bot goes on where it stopped: a restart, a lost connection, an absent or angry Telegram."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from beseda.engine.flood_waits.repository import FloodWaitRepository
from beseda.testing.scripted_model import ScriptedAnswer, ScriptedModel
from botapi_sandbox import BotAccount, RunningSandbox, SandboxSettings, serve_sandbox
from tests.parts.living_bot import ANNA, BOT, CHRIS, GROUP, TOKEN, living_bot, run_bot
from tests.parts.model_events import said_in
from tests.parts.waiting import eventually


@asynccontextmanager
async def _sandbox(folder: Path) -> AsyncIterator[RunningSandbox]:
    async with serve_sandbox(SandboxSettings((BotAccount(TOKEN, BOT, "A"),), folder / "sandbox")) as sandbox:
        yield sandbox


async def test_question_is_answered_after_a_restart_in_mid_answer(tmp_path: Path) -> None:
    async with _sandbox(tmp_path) as sandbox:
        async with run_bot(tmp_path, ScriptedModel([ScriptedAnswer(delay=60)]), sandbox) as living:
            anna = await living.user()
            await anna.say("Hi")
            await anna.wait_for(lambda event: event["type"] == "typing")
        model = ScriptedModel(["after the restart"])
        async with run_bot(tmp_path, model, sandbox) as living:
            anna = await living.user()
            await living.settle()
            assert [message["text"] for message in await anna.history()] == ["Hi", "after the restart"]
    assert said_in(model.requests[0]) == ["Hi"]


async def test_stored_answer_is_sent_after_a_restart_without_asking_again(tmp_path: Path) -> None:
    async with _sandbox(tmp_path) as sandbox:
        async with run_bot(tmp_path, ScriptedModel(["stored"]), sandbox) as living:
            await living.fault(kind="error", method="sendMessage", status=502, count=1000)
            anna = await living.user()
            await anna.say("Hi")
            await living.wait_for_calls("sendMessage")
        model = ScriptedModel()
        async with run_bot(tmp_path, model, sandbox, clock="hurried") as living:
            await living.clear_faults()
            anna = await living.user()
            await living.settle()
            assert [message["text"] for message in await anna.history()] == ["Hi", "stored"]
    assert model.requests == []


async def test_answer_that_was_on_its_way_at_the_end_is_not_sent_again(tmp_path: Path) -> None:
    async with _sandbox(tmp_path) as sandbox:
        async with run_bot(tmp_path, ScriptedModel(["once"]), sandbox) as living:
            await living.fault(kind="slow", method="sendMessage", seconds=1)
            anna = await living.user()
            await anna.say("Hi")
            await eventually(lambda: _is_being_sent(tmp_path))
            await anna.history()  # by when the call has left
        async with run_bot(tmp_path, ScriptedModel(["later"]), sandbox) as living:
            # Slower than the call that was under way: whatever came of that is in the chat by then.
            await living.fault(kind="slow", method="sendMessage", seconds=1.5)
            anna = await living.user()
            await anna.say("again")
            await anna.wait_text("later")
            texts = [message["text"] for message in await anna.history()]
    assert texts == ["Hi", "once", "again", "later"]


async def test_group_answer_that_had_begun_is_edited_after_a_restart(tmp_path: Path) -> None:
    endless = ScriptedAnswer(pieces=("word ",) * 1000, pause=0.05)
    async with _sandbox(tmp_path) as sandbox:
        async with run_bot(tmp_path, ScriptedModel([endless]), sandbox) as living:
            anna = await living.user(ANNA, f"group:{GROUP}")
            await anna.say("@assistant_bot go")
            begun = await anna.wait_reply()
        async with run_bot(tmp_path, ScriptedModel(["done"]), sandbox) as living:
            anna = await living.user(ANNA, f"group:{GROUP}")
            await living.settle()
            last = (await anna.history())[-1]
            assert (last["message_id"], last["text"]) == (begun["message_id"], "done")


async def test_updates_that_waited_are_answered_in_order_after_a_restart(tmp_path: Path) -> None:
    async with _sandbox(tmp_path) as sandbox:
        async with run_bot(tmp_path, ScriptedModel([ScriptedAnswer(delay=60)]), sandbox) as living:
            anna = await living.user()
            for text in ("Here is one.", "Here is two.", "Here is three."):
                await anna.say(text)
            await living.wait_until_stored(3)
        model = ScriptedModel(fallback=lambda request: "re: " + request.messages[-1].content)
        async with run_bot(tmp_path, model, sandbox) as living:
            anna = await living.user()
            await living.settle()
            answers = [message["text"] for message in await anna.history() if message["from"]["is_bot"]]
    assert answers == ["re: Here is one.", "re: Here is two.", "re: Here is three."]


async def test_repeated_update_is_answered_once(tmp_path: Path) -> None:
    model = ScriptedModel(fallback="once")
    async with living_bot(tmp_path, model) as living:
        anna = await living.user()
        await living.fault(kind="repeat_update")
        await anna.say("Hi")
        await anna.wait_reply()
        await anna.say("again")
        await anna.wait_reply()
        await living.settle()
    assert len(model.requests) == 2


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "error", "status": 409, "description": "Conflict"},
        {"kind": "error", "status": 500, "description": "Internal Server Error"},
        {"kind": "error", "status": 502, "description": "Bad Gateway"},
        {"kind": "error", "status": 429, "retry_after": 1},
        {"kind": "drop_before"},
        {"kind": "html", "status": 502},
        {"kind": "slow", "seconds": 0.5},
    ],
    ids=lambda fault: f"{fault['kind']}-{fault.get('status', '')}",
)
async def test_answer_arrives_once_whatever_telegram_does_first(tmp_path: Path, fault: dict[str, object]) -> None:
    async with living_bot(tmp_path, ScriptedModel(["here"]), clock="hurried") as living:
        anna = await living.user()
        await living.fault(method="sendMessage", **fault)
        await anna.say("Hi")
        await anna.wait_text("here")
        await living.settle()
        assert [message["text"] for message in await anna.history()] == ["Hi", "here"]


@pytest.mark.parametrize("status", [401, 409, 500, 502])
async def test_polling_goes_on_after_a_refused_call(tmp_path: Path, status: int) -> None:
    async with living_bot(tmp_path, ScriptedModel(["here"])) as living:
        living.hurry()
        await living.fault(method="getUpdates", kind="error", status=status)
        anna = await living.user()
        await anna.say("Hi")
        await anna.wait_text("here")


async def test_blocked_bot_gives_up_one_chat_and_serves_the_others(tmp_path: Path) -> None:
    model = ScriptedModel(fallback=ScriptedAnswer(pieces=("hello",), delay=0.3))
    async with living_bot(tmp_path, model) as living:
        anna, chris = await living.user(), await living.user(CHRIS)
        await anna.say("Hi")
        await anna.block()
        await chris.say("Hi")
        await chris.wait_text("hello")
        await living.settle()
        assert [message["text"] for message in await anna.history()] == ["Hi"]


async def test_flood_wait_of_one_chat_does_not_hold_up_the_others(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(fallback="hello")) as living:
        anna, chris = await living.user(), await living.user(CHRIS)
        await living.fault(method="sendMessage", kind="error", status=429, retry_after=3600)
        await anna.say("Hi")
        await living.wait_for_calls("sendMessage")
        await chris.say("Hi")
        await chris.wait_text("hello")
        assert (
            await FloodWaitRepository(living.app.engine.database, living.app.engine.clock).count(
                datetime(2026, 1, 1, tzinfo=UTC)
            )
            == 1
        )


async def test_part_that_telegram_cannot_read_is_sent_as_plain_text(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel(["**bold** & plain"])) as living:
        description = "Bad Request: can't parse entities: Can't find end tag"
        await living.fault(method="sendMessage", kind="error", status=400, description=description)
        anna = await living.user()
        await anna.say("Hi")
        assert "entities" not in await anna.wait_text("bold & plain")
        assert "parse_mode" not in (await living.calls("sendMessage"))[-1]["params"]


async def test_message_deleted_while_the_answer_grew_is_sent_again(tmp_path: Path) -> None:
    slow = ScriptedAnswer(pieces=("Once ", "upon"), pause=1.5)
    async with living_bot(tmp_path, ScriptedModel([slow])) as living:
        anna = await living.user(ANNA, f"group:{GROUP}")
        await anna.say("@assistant_bot a story")
        await anna.wait_reply()
        description = "Bad Request: message to edit not found"
        await living.fault(method="editMessageText", kind="error", status=400, description=description)
        await anna.wait_text("Once upon")


async def test_server_without_drafts_is_served_by_edits(tmp_path: Path) -> None:
    slow = ScriptedAnswer(pieces=("Once ", "upon ", "a ", "time"), delay=0.6, pause=0.6)
    async with living_bot(tmp_path, ScriptedModel([slow, slow])) as living:
        gone = {"kind": "error", "status": 404, "description": "Not Found: method not found", "count": 100}
        await living.fault(method="sendMessageDraft", **gone)
        anna = await living.user()
        await anna.say("a story")
        await anna.wait_text("Once upon a time")
        await anna.say("another")
        await anna.wait_for(lambda event: event["type"] == "edit" and "a time" in event["message"]["text"])
        await living.settle()
        assert len(await living.calls("sendMessageDraft")) == 1


async def _is_being_sent(folder: Path) -> bool:
    with closing(sqlite3.connect(folder / "data" / "beseda.db")) as database:
        row = database.execute("SELECT count(*) FROM deliveries WHERE state = 'sending'").fetchone()
    return bool(row == (1,))
