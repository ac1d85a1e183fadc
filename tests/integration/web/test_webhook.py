"""The webhook over HTTP, with a real bot behind it: what is refused, and what is stored before it is answered."""

import asyncio
import io
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from beseda.app_bots import RunningBot
from beseda.asgi import Web
from beseda.core.serving import Listener, serve_app
from beseda.db.database import Database
from beseda.db.migrate import upgrade
from beseda.engine.router import Router
from beseda.engine.runner import BotRunner
from beseda.engine.updates.model import StoredUpdate
from beseda.engine.updates.repository import UpdateRepository
from beseda.testing.scripted_model import ScriptedModel
from tests.parts.living_bot import ANNA, LivingBot, living_bot
from tests.parts.postgres import PostgresServer
from tests.parts.waiting import eventually

SECRET = "s3cret-of-the-webhook_"
HEADER = "X-Telegram-Bot-Api-Secret-Token"
AWAY = "does not answer"
WITH_SECRET = {HEADER: SECRET}
PERSON = {"id": ANNA, "is_bot": False, "first_name": "Анна", "language_code": "ru"}


def message(update_id: int, text: str = "Привет") -> dict[str, Any]:
    chat = {"id": ANNA, "type": "private", "first_name": "Анна"}
    return {
        "update_id": update_id,
        "message": {"message_id": update_id, "date": 1_790_000_000, "chat": chat, "from": PERSON, "text": text},
    }


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel(fallback="one answer")


@pytest.fixture
async def living(tmp_path: Path, model: ScriptedModel) -> AsyncIterator[LivingBot]:
    async with living_bot(tmp_path, model) as living:
        yield living


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener("127.0.0.1", 0)
    yield listener
    listener.close()


@pytest.fixture
async def web(living: LivingBot, listener: Listener) -> AsyncIterator[aiohttp.ClientSession]:
    async with serving(living, listener) as session:
        yield session


@asynccontextmanager
async def serving(living: LivingBot, listener: Listener) -> AsyncIterator[aiohttp.ClientSession]:
    web = Web({"database": living.app.list_checks()["database"]}, secret=SECRET)
    web.runners["assistant"] = living.bot.runner
    async with serve_app(web.app, listener), aiohttp.ClientSession(listener.address) as session:
        yield session


async def post(session: aiohttp.ClientSession, update: dict[str, Any]) -> int:
    async with session.post("/telegram/assistant", json=update, headers=WITH_SECRET) as answer:
        return answer.status


async def get(session: aiohttp.ClientSession, path: str) -> tuple[int, dict[str, Any]]:
    async with session.get(path) as answer:
        return answer.status, await answer.json()


async def test_update_is_stored_before_the_answer(web: aiohttp.ClientSession, living: LivingBot) -> None:
    assert await post(web, message(41)) == 200
    assert await living.app.engine.updates.store([StoredUpdate("assistant", 41, b"{}")]) == []


async def test_repeated_update_is_taken_once(web: aiohttp.ClientSession, living: LivingBot) -> None:
    anna = await living.user()
    for _ in range(3):
        assert await post(web, message(42)) == 200
    await anna.wait_reply()
    await living.settle()
    assert [entry["text"] for entry in await anna.history()] == ["one answer"]


WRONG = {
    "nothing": b"",
    "not-json": b"{",
    "not-utf8": b'{"update_id": "\xff"}',
    "deep": b"[" * 100_000,
    "list": b"[1]",
    "text": b'"update"',
    "no-number": b'{"message": {}}',
    "number-as-text": b'{"update_id": "1"}',
    "switch": b'{"update_id": true}',
    "negative": b'{"update_id": -1}',
    "huge-number": b'{"update_id": 9223372036854775808}',
}


@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG)
async def test_body_that_is_no_update_is_refused(body: bytes, web: aiohttp.ClientSession, living: LivingBot) -> None:
    async with web.post("/telegram/assistant", data=body, headers=WITH_SECRET) as answer:
        assert (answer.status, answer.content_type) == (400, "application/problem+json")
    assert await living.unfinished() == 0


async def test_broken_text_is_mended_and_answered(
    web: aiohttp.ClientSession, living: LivingBot, model: ScriptedModel
) -> None:
    anna = await living.user()
    body = orjson.dumps(message(43, "Привет!")).replace("т!".encode(), b"\xd1!")
    async with web.post("/telegram/assistant", data=body, headers=WITH_SECRET) as answer:
        assert answer.status == 200
    await anna.wait_reply()
    await living.settle()
    assert [request.messages[-1].content for request in model.requests] == ["Приве\ufffd!"]


@pytest.mark.parametrize("given", [None, "", "wrong", SECRET[:-1], f"{SECRET}x", "секрет"])
async def test_stranger_learns_nothing(given: str | None, web: aiohttp.ClientSession, living: LivingBot) -> None:
    headers = {} if given is None else {HEADER: given}
    for bot in ("assistant", "nobody"):
        async with web.post(f"/telegram/{bot}", json=message(1), headers=headers) as answer:
            assert answer.status == 401
            assert SECRET not in await answer.text()
    assert await living.unfinished() == 0


async def test_unknown_bot_and_other_methods_are_refused(web: aiohttp.ClientSession) -> None:
    async with web.post("/telegram/nobody", json=message(1), headers=WITH_SECRET) as answer:
        assert (answer.status, (await answer.json(content_type=None))["title"]) == (404, "Not Found")
    async with web.get("/telegram/assistant", headers=WITH_SECRET) as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize("chunked", [False, True])
async def test_body_beyond_a_megabyte_is_not_read(chunked: bool, web: aiohttp.ClientSession, living: LivingBot) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 65_536

    body = pieces() if chunked else io.BytesIO(b"x" * 1_100_000)
    async with web.post("/telegram/assistant", data=body, headers=WITH_SECRET) as answer:
        assert answer.status == 413
    assert await living.unfinished() == 0


async def test_sender_that_leaves_in_the_middle_does_no_harm(
    web: aiohttp.ClientSession, listener: Listener, living: LivingBot
) -> None:
    host, port = listener.socket.getsockname()
    _, writer = await asyncio.open_connection(host, port)
    writer.write(f"POST /telegram/assistant HTTP/1.1\r\nHost: x\r\n{HEADER}: {SECRET}\r\n".encode())
    writer.write(b'Content-Length: 500\r\n\r\n{"update_id": 1')
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    async with web.get("/ready") as answer:
        assert answer.status == 200
    assert await living.unfinished() == 0


async def test_database_that_is_away_makes_telegram_come_again(living: LivingBot, listener: Listener) -> None:
    server = PostgresServer()
    try:
        async with on_postgres(living, server.create_database()) as moved, serving(moved, listener) as session:
            server.stop()
            assert await post(session, message(1)) == 503
            assert await get(session, "/ready") == (503, {"status": "failed", "parts": {"database": AWAY}})
            assert (await get(session, "/health"))[0] == 200
            server.start()
            await eventually(lambda: is_ready(session))
            assert await post(session, message(1)) == 200
            assert await moved.app.engine.updates.store([StoredUpdate("assistant", 1, b"{}")]) == []
    finally:
        server.close()


@asynccontextmanager
async def on_postgres(living: LivingBot, url: str) -> AsyncIterator[LivingBot]:
    """The bot with its inbox in PostgreSQL, and writes that do not wait long for a server that is away."""
    await upgrade(url)
    database = await Database.open(url, patience=0.2)
    updates = UpdateRepository(database, living.clock)
    runner = BotRunner(replace(living.bot.runner.bot, updates=updates), Router())
    app = replace(living.app, engine=replace(living.app.engine, updates=updates))
    try:
        yield replace(living, app=app, bot=RunningBot(runner, living.clock))
    finally:
        await runner.close()
        await database.close()


async def is_ready(session: aiohttp.ClientSession) -> bool:
    return (await get(session, "/ready"))[0] == 200
