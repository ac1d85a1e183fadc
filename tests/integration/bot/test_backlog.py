"""A chat that does not move takes no place of others: what waits in it stays in the database."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from beseda.testing.scripted_model import ScriptedAnswer, ScriptedModel
from botapi_sandbox import SandboxSettings, serve_sandbox
from tests.parts.living_bot import ANNA, CHRIS, FORUM, GROUP, LivingBot, account, living_bot, run_bot
from tests.parts.waiting import eventually

HANGING = ScriptedAnswer(delay=60)


def _echo() -> ScriptedModel:
    return ScriptedModel(fallback=lambda request: "re: " + request.messages[-1].content)


def _write(number: int, text: str, chat_id: int = ANNA, **fields: object) -> dict[str, object]:
    person = {"id": ANNA, "is_bot": False, "first_name": "Анна", "language_code": "ru"}
    chat = {"id": chat_id, "type": "private" if chat_id > 0 else "supergroup", "title": "x", "first_name": "Анна"}
    content = {"message_id": number, "date": 0, "chat": chat, "from": person, "text": text, **fields}
    return {"update_id": 900_000 + number, "message": content}


async def _texts(living: LivingBot) -> list[str]:
    return [message["text"] for message in await (await living.user(ANNA)).history() if message["from"]["is_bot"]]


async def _is_idle(living: LivingBot) -> bool:
    return not living.bot.runner.pending and not await living.unfinished()


async def test_chat_that_is_stuck_holds_up_no_other_and_takes_bounded_memory(tmp_path: Path) -> None:
    async with living_bot(tmp_path, _echo()) as living:
        await living.fault(method="sendMessage", kind="error", status=429, retry_after=3600)
        runner = living.bot.runner
        for number in range(1, 1001):
            await runner.take_in([_write(number, f"line {number}")])
        assert runner.pending <= 101
        assert await living.unfinished() == 1000
        chris = await living.user(CHRIS)
        await chris.say("hello")
        await chris.wait_text("re: hello")
        for _ in range(3):
            await runner.recover()
        assert runner.pending <= 101


async def test_backlog_of_one_chat_is_read_in_pages_and_answered_in_order(tmp_path: Path) -> None:
    async with serve_sandbox(SandboxSettings((account("assistant"),), tmp_path / "sandbox")) as sandbox:
        async with run_bot(tmp_path, ScriptedModel([HANGING]), sandbox) as living:
            updates = [_write(number, f"line {number}") for number in range(1, 301)]
            await living.bot.runner.take_in(updates)
        async with run_bot(tmp_path, _echo(), sandbox) as living:
            assert living.bot.runner.pending <= 101
            await eventually(lambda: _is_idle(living), within=60)
            texts = [text for text in await _texts(living) if text.startswith("re: ")]
    assert texts[-150:] == [f"re: line {number}" for number in range(151, 301)]


async def test_topic_that_is_stuck_holds_up_no_other_topic(tmp_path: Path) -> None:
    model = ScriptedModel([HANGING], fallback="other topic")
    async with living_bot(tmp_path, model) as living:
        fields = {"is_topic_message": True, "entities": []}
        stuck = [
            _write(number, "@assistant_bot stuck", FORUM, message_thread_id=7, **fields) for number in range(1, 251)
        ]
        await living.bot.runner.take_in(stuck)
        await eventually(lambda: _has_asked(model, 1))
        await living.bot.runner.take_in([_write(999, "@assistant_bot free", FORUM, message_thread_id=8, **fields)])
        await eventually(lambda: _has_asked(model, 2))


async def test_group_talk_that_is_not_for_the_bot_is_finished_at_intake(tmp_path: Path) -> None:
    model = ScriptedModel([HANGING])
    async with living_bot(tmp_path, model) as living:
        await living.bot.runner.take_in([_write(1, "@assistant_bot go", GROUP)])
        await eventually(lambda: _has_asked(model, 1))
        for number in range(2, 52):
            await living.bot.runner.take_in([_write(number, f"among ourselves {number}", GROUP)])
        assert (living.bot.runner.pending, await living.unfinished()) == (1, 1)


@pytest.mark.parametrize("together", [True, False])
async def test_rest_of_a_paste_in_a_group_belongs_to_it_without_a_mention(tmp_path: Path, together: bool) -> None:
    model = ScriptedModel(fallback="read")
    pieces = [_write(1, "@assistant_bot " + "a" * 4080, GROUP), _write(2, "b" * 100, GROUP)]
    async with living_bot(tmp_path, model) as living:
        for batch in [pieces] if together else [[piece] for piece in pieces]:
            await living.bot.runner.take_in(batch)
        await eventually(lambda: _has_asked(model, 1))
        await living.settle()
    assert "b" * 100 in model.requests[0].messages[-1].content


async def test_update_stored_before_queues_were_named_is_answered_in_order(tmp_path: Path) -> None:
    async with serve_sandbox(SandboxSettings((account("assistant"),), tmp_path / "sandbox")) as sandbox:
        async with run_bot(tmp_path, ScriptedModel([HANGING]), sandbox) as living:
            await living.bot.runner.take_in([_write(number, f"line {number}") for number in range(1, 151)])
        with closing(sqlite3.connect(tmp_path / "data" / "beseda.db")) as connection:
            connection.execute("UPDATE updates SET queue_key = NULL")
            connection.commit()
        async with run_bot(tmp_path, _echo(), sandbox) as living:
            await eventually(lambda: _is_idle(living), within=60)
            texts = [text for text in await _texts(living) if text.startswith("re: ")]
    assert texts[-100:] == [f"re: line {number}" for number in range(51, 151)]


async def _has_asked(model: ScriptedModel, times: int) -> bool:
    return len(model.requests) >= times
