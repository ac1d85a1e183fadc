"""A group that becomes a supergroup while work on it is under way, in one process and in two."""

import json
import sqlite3
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from beseda.testing.scripted_model import ScriptedAnswer, ScriptedModel
from botapi_sandbox import SandboxSettings, serve_sandbox
from tests.parts.living_bot import ANNA, FORUM, LivingBot, account, run_bot
from tests.parts.waiting import eventually

OLD = -4242  # a group; the forum of the sandbox is what it becomes


def _message(number: int, **fields: Any) -> dict[str, Any]:
    person = {"id": ANNA, "is_bot": False, "first_name": "Анна", "language_code": "ru"}
    chat = {"id": OLD, "type": "group", "title": "Команда"}
    return {"message": {"message_id": number, "date": 1790000000, "chat": chat, "from": person, **fields}}


async def _has_asked(model: ScriptedModel, count: int) -> bool:
    return len(model.requests) == count


async def _is_shared(folder: Path) -> bool:
    with closing(sqlite3.connect(folder / "data" / "beseda.db")) as database:
        (owners,) = database.execute("SELECT owners FROM territories").fetchone()
    return len(set(json.loads(owners)) - {""}) == 2


async def _are_idle(living: LivingBot) -> bool:
    return not living.bot.runner.pending and not await living.unfinished()


@pytest.mark.parametrize("replicas", [1, 2])
async def test_updates_waiting_in_a_group_that_moves_are_answered_once_in_its_supergroup(
    replicas: int, tmp_path: Path
) -> None:
    model = ScriptedModel([ScriptedAnswer(pieces=("first",), delay=1.0)], fallback="second")
    async with (
        serve_sandbox(SandboxSettings((account("assistant"),), tmp_path / "sandbox")) as sandbox,
        AsyncExitStack() as stack,
    ):
        running = [
            await stack.enter_async_context(run_bot(tmp_path, model, sandbox, BESEDA_LEASE="1"))
            for _ in range(replicas)
        ]
        if replicas == 2:
            await eventually(lambda: _is_shared(tmp_path))
        living = running[0]
        await living.inject(_message(1, text="@assistant_bot one"))
        await eventually(lambda: _has_asked(model, 1))
        await living.inject(_message(2, migrate_to_chat_id=FORUM))
        await living.inject(_message(3, text="@assistant_bot two"))
        await eventually(lambda: _has_asked(model, 2), within=20)
        await eventually(lambda: _are_idle(living), within=20)
        sent = [(call["params"]["chat_id"], call["params"]["text"]) for call in await living.calls("sendMessage")]
    assert len(model.requests) == 2
    assert [text for chat, text in sent if chat == FORUM] == ["second"]
    assert [message.content for message in model.requests[1].messages if "one" in message.content]
    with closing(sqlite3.connect(tmp_path / "data" / "beseda.db")) as database:
        assert database.execute("SELECT chat_id FROM conversations").fetchall() == [(FORUM,)]
