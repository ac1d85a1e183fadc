"""The end of the program: it takes ten seconds at most, whatever hangs, and loses nothing of what was said."""

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from beseda.testing.scripted_model import ScriptedAnswer, ScriptedModel
from botapi_sandbox import SandboxSettings, serve_sandbox
from tests.parts.living_bot import ANNA, GROUP, LivingBot, account, living_bot, run_bot
from tests.parts.waiting import eventually

ENDLESS = ScriptedAnswer(pieces=("word ",) * 1000, pause=0.05)


async def _close(living: LivingBot) -> float:
    begun = time.monotonic()
    await living.bot.close()
    return time.monotonic() - begun


def _count_leases(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "data" / "beseda.db")) as database:
        return int(database.execute("SELECT count(*) FROM replicas WHERE NOT leaving").fetchone()[0])


async def test_draft_that_hangs_keeps_no_answer_back(tmp_path: Path) -> None:
    answer = ScriptedAnswer(pieces=("Once ", "upon ", "a ", "time"), pause=0.4)
    async with living_bot(tmp_path, ScriptedModel([answer])) as living:
        await living.fault(method="sendMessageDraft", kind="hang", count=100)
        anna = await living.user()
        await anna.say("a story")
        await living.wait_for_calls("sendMessageDraft")
        await anna.wait_text("Once upon a time", timeout=5)


@pytest.mark.slow
async def test_first_message_that_hangs_is_not_sent_twice(tmp_path: Path) -> None:
    answer = ScriptedAnswer(pieces=("Once ", "upon ", "a ", "time"), delay=0.8, pause=0.4)
    async with living_bot(tmp_path, ScriptedModel([answer])) as living:
        await living.fault(method="sendMessage", kind="slow", seconds=6, count=1)
        anna = await living.user(ANNA, f"group:{GROUP}")
        await anna.say("@assistant_bot a story")
        await eventually(lambda: _reads(living, "Once upon a time"), within=25)
        await living.settle()
        said = [message["text"] for message in await anna.history() if message["from"]["is_bot"]]
    assert said == ["Once upon a time"]


async def _reads(living: LivingBot, text: str) -> bool:
    anna = await living.user(ANNA, f"group:{GROUP}")
    return any(message["text"] == text for message in await anna.history())


async def test_end_in_mid_answer_with_telegram_hanging_takes_ten_seconds_at_most(tmp_path: Path) -> None:
    async with serve_sandbox(SandboxSettings((account("assistant"),), tmp_path / "sandbox")) as sandbox:
        async with run_bot(tmp_path, ScriptedModel([ENDLESS]), sandbox) as living:
            for method in ("sendMessage", "sendMessageDraft"):
                await living.fault(method=method, kind="hang", count=100)
            anna = await living.user()
            await anna.say("go on")
            await living.wait_for_calls("sendMessageDraft")
            assert await _close(living) < 10
            assert _count_leases(tmp_path) == 0
        async with run_bot(tmp_path, ScriptedModel(["after the restart"]), sandbox) as living:
            await living.clear_faults()
            anna = await living.user()
            await eventually(lambda: _is_idle(living))
            assert [message["text"] for message in await anna.history()] == ["go on", "after the restart"]


@pytest.mark.slow
async def test_answer_that_is_complete_before_the_end_is_stored_though_telegram_hangs(tmp_path: Path) -> None:
    answer = ScriptedAnswer(pieces=("one ", "two"), delay=0.8, pause=1.0)
    async with serve_sandbox(SandboxSettings((account("assistant"),), tmp_path / "sandbox")) as sandbox:
        async with run_bot(tmp_path, ScriptedModel([answer]), sandbox) as living:
            for method in ("sendMessage", "sendMessageDraft"):
                await living.fault(method=method, kind="hang", count=100)
            anna = await living.user()
            await anna.say("count")
            await living.wait_for_calls("sendMessageDraft")
            assert await _close(living) < 10
        with closing(sqlite3.connect(tmp_path / "data" / "beseda.db")) as database:
            assert database.execute("SELECT content FROM messages WHERE role = 'assistant'").fetchall() == [
                ("one two",)
            ]


@pytest.mark.slow
async def test_end_with_telegram_and_the_database_hanging_takes_ten_seconds_at_most(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel([ENDLESS])) as living:
        for method in ("sendMessage", "sendMessageDraft"):
            await living.fault(method=method, kind="hang", count=100)
        anna = await living.user()
        await anna.say("go on")
        await living.wait_for_calls("sendMessageDraft")
        with closing(sqlite3.connect(tmp_path / "data" / "beseda.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert await _close(living) < 10
            other.execute("ROLLBACK")


async def test_waiting_update_is_not_begun_while_the_program_ends(tmp_path: Path) -> None:
    slow = ScriptedAnswer(pieces=("first",), delay=1.0)
    model = ScriptedModel([slow], fallback="second")
    async with living_bot(tmp_path, model) as living:
        anna = await living.user()
        await anna.say("one")
        await eventually(lambda: _has_asked(model))
        await anna.say("two")
        await living.wait_until_stored(2)
        await asyncio.wait_for(living.bot.close(), 10)
        assert len(model.requests) == 1
        assert await living.unfinished() == 1


async def _has_asked(model: ScriptedModel) -> bool:
    return bool(model.requests)


async def _is_idle(living: LivingBot) -> bool:
    return not living.bot.runner.pending and not await living.unfinished()
