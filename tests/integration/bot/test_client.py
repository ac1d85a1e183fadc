"""The wire to a Bot API server that misbehaves below the protocol."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from beseda.errors import TelegramUnavailableError
from beseda.telegram.client import BotApi


@asynccontextmanager
async def _serving(pieces: int) -> AsyncIterator[str]:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(b'{"ok": true, "result": "')
        for _ in range(pieces):
            await response.write(b"x" * 1024 * 1024)
        await response.write(b'"}')
        return response

    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_answer_without_a_length_is_read() -> None:
    async with _serving(1) as server, BotApi("1:token", server=server) as api:
        assert len(await api.call("getMe")) == 1024 * 1024


async def test_endless_answer_is_given_up() -> None:
    async with _serving(64) as server, BotApi("1:token", server=server) as api:
        with pytest.raises(TelegramUnavailableError, match="more than"):
            await api.call("getMe")
