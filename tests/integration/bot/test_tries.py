"""An update that kills the process or fails time and again is set aside; one that waits or is interrupted is not."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from beseda.core.errors import SetAsideError
from beseda.locales.errors import error_text
from beseda.testing.scripted_model import ScriptedAnswer, ScriptedModel
from botapi_sandbox import SandboxSettings, serve_sandbox
from tests.parts.living_bot import ANNA, LivingBot, PollingClock, account, living_bot, run_bot
from tests.parts.waiting import eventually

ECHO = ScriptedModel(fallback=lambda request: "re: " + request.messages[-1].content)
HANGING = ScriptedAnswer(delay=60)


def _ask(folder: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / "data" / "beseda.db", timeout=10)) as connection:
        rows = connection.execute(statement).fetchall()
        connection.commit()
    return rows


async def _texts(living: LivingBot) -> list[str]:
    return [message["text"] for message in await (await living.user(ANNA)).history() if message["from"]["is_bot"]]


async def _has_asked(model: ScriptedModel, times: int) -> bool:
    return len(model.requests) >= times


async def test_update_that_has_killed_the_process_three_times_is_set_aside_and_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with serve_sandbox(SandboxSettings((account("assistant"),), tmp_path / "sandbox")) as sandbox:
        hanging = ScriptedModel([HANGING])
        async with run_bot(tmp_path, hanging, sandbox) as living:
            anna = await living.user()
            await anna.say("poison")
            await eventually(lambda: _has_asked(hanging, 1))
        _ask(tmp_path, "UPDATE updates SET tries = 3, evidence = 12 WHERE finished_at IS NULL")
        model = ScriptedModel(fallback="here")
        async with run_bot(tmp_path, model, sandbox) as living:
            anna = await living.user()
            await anna.say("and now?")
            await living.wait_for_calls("sendMessage")
            await living.settle()
            assert await _texts(living) == [error_text(SetAsideError).say("ru"), "here"]
    assert [request.messages[-1].content for request in model.requests] == ["and now?"]
    assert "are set aside" in caplog.text


async def test_update_whose_notice_kills_too_is_dropped_without_a_word(tmp_path: Path) -> None:
    async with serve_sandbox(SandboxSettings((account("assistant"),), tmp_path / "sandbox")) as sandbox:
        hanging = ScriptedModel([HANGING])
        async with run_bot(tmp_path, hanging, sandbox) as living:
            anna = await living.user()
            await anna.say("poison")
            await eventually(lambda: _has_asked(hanging, 1))
        _ask(tmp_path, "UPDATE updates SET tries = 1000 WHERE finished_at IS NULL")
        async with run_bot(tmp_path, ScriptedModel(), sandbox) as living:
            await living.settle()
            assert await _texts(living) == []
    assert _ask(tmp_path, "SELECT state FROM turns") == [("failed",)]


async def test_try_is_counted_when_work_begins_and_taken_back_by_a_shutdown(tmp_path: Path) -> None:
    counts: list[tuple[object, ...]] = []
    async with serve_sandbox(SandboxSettings((account("assistant"),), tmp_path / "sandbox")) as sandbox:
        for _ in range(5):
            model = ScriptedModel([HANGING])
            async with run_bot(tmp_path, model, sandbox) as living:
                anna = await living.user()
                if not counts:
                    await anna.say("Hi")
                await eventually(lambda model=model: _has_asked(model, 1))  # type: ignore[misc]
                counts += _ask(tmp_path, "SELECT tries FROM updates")
            counts += _ask(tmp_path, "SELECT tries FROM updates")
        async with run_bot(tmp_path, ScriptedModel(["here"]), sandbox) as living:
            await living.settle()
            assert await _texts(living) == ["here"]
    assert counts == [(1,), (0,)] * 5


async def test_updates_behind_a_poison_are_not_counted(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ScriptedModel([HANGING])) as living:
        anna = await living.user()
        await anna.say("one")
        await anna.say("two")
        await living.wait_until_stored(2)
        assert _ask(tmp_path, "SELECT tries FROM updates ORDER BY update_id") == [(1,), (0,)]


async def test_answer_refused_by_the_database_is_asked_for_five_times_and_then_reported(tmp_path: Path) -> None:
    async with living_bot(tmp_path, ECHO) as living:
        living.hurry()
        _hurry(living)
        _ask(
            tmp_path,
            "CREATE TRIGGER refusing BEFORE INSERT ON messages WHEN NEW.content = 're: It is refused.' "
            "BEGIN SELECT RAISE(ABORT, 'refused'); END",
        )
        anna = await living.user()
        await anna.say("It is refused.")
        await anna.say("It is fine.")
        await anna.wait_text("re: It is fine.")
        await living.settle()
        assert await _texts(living) == [error_text(SetAsideError).say("ru"), "re: It is fine."]
    asked = [request.messages[-1].content for request in ECHO.requests]
    assert asked == ["It is refused."] * 5 + ["It is fine."]


async def test_later_message_does_not_overtake_one_that_is_retried(tmp_path: Path) -> None:
    model = ScriptedModel(fallback=lambda request: "re: " + request.messages[-1].content)
    async with living_bot(tmp_path, model) as living:
        _hurry(living)
        _ask(
            tmp_path,
            "CREATE TRIGGER refusing BEFORE INSERT ON turns WHEN NEW.input LIKE 'first%' "
            "BEGIN SELECT RAISE(ABORT, 'refused'); END",
        )
        anna = await living.user()
        await anna.say("first: my name is Chris.")
        await living.wait_until_stored(1)
        await anna.say("second: what is my name?")
        await living.wait_until_stored(2)
        _ask(tmp_path, "DROP TRIGGER refusing")
        await anna.wait_text("re: second")
        await living.settle()
        assert await _texts(living) == ["re: first: my name is Chris.", "re: second: what is my name?"]
    assert "first: my name is Chris." in [message.content for message in model.requests[1].messages]


def _hurry(living: LivingBot) -> None:
    """Let the bot come back soon to what has failed."""
    clock = PollingClock()
    clock.hurried = True
    object.__setattr__(living.bot.runner.bot, "clock", clock)
