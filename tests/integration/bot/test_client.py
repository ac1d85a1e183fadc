"""The wire to a Bot API server that misbehaves below the protocol."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from beseda.core.errors import TelegramUnansweredError, TelegramUnavailableError
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


async def test_wait_for_a_free_connection_was_surely_no_call() -> None:
    async def hang(_request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    app = web.Application()
    app.router.add_post("/{path:.*}", hang)
    async with (
        TestServer(app) as server,
        BotApi("1:t", server=str(server.make_url("")), timeout=1, connections=1) as api,
    ):
        calls = [asyncio.create_task(api.call("sendMessage")) for _ in range(2)]
        first, second = await asyncio.gather(*calls, return_exceptions=True)
    assert type(first) is TelegramUnansweredError
    assert type(second) is TelegramUnavailableError


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (502, "<html>Bad Gateway</html>", TelegramUnansweredError),
        (504, "<html>Gateway Time-out</html>", TelegramUnansweredError),
        (520, "<html>a proxy's own code</html>", TelegramUnansweredError),
        (200, "<html>a portal</html>", TelegramUnansweredError),
        (502, '{"ok":false,"error_code":502,"description":"Bad Gateway"}', TelegramUnansweredError),
        (503, "<html>no server</html>", TelegramUnavailableError),
        (500, '{"ok":false,"error_code":500,"description":"Internal Server Error"}', TelegramUnavailableError),
    ],
)
async def test_answer_of_a_proxy_leaves_the_effect_unknown(status: int, body: str, kind: type[Exception]) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, text=body)

    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    async with TestServer(app) as server, BotApi("1:t", server=str(server.make_url(""))) as api:
        with pytest.raises(TelegramUnavailableError) as raised:
            await api.call("sendMessage")
    assert type(raised.value) is kind


async def test_endless_answer_is_given_up() -> None:
    async with _serving(64) as server, BotApi("1:token", server=server) as api:
        with pytest.raises(TelegramUnavailableError, match="more than"):
            await api.call("getMe")
