"""A message that the Bot API server fails at for long, beside others that it takes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from beseda.core.chat import ChatKey, ChatKind
from beseda.core.errors import TelegramRefusedError
from beseda.telegram.base import Target
from beseda.telegram.client import BotApi
from beseda.telegram.messenger import TelegramMessenger
from beseda.telegram.pacing import Pacer
from beseda.telegram.part import Part
from beseda.testing.clock import ManualClock

_BAD, _GOOD = Target(ChatKey("a", 1), ChatKind.PRIVATE), Target(ChatKey("a", 2), ChatKind.PRIVATE)


class _Server:
    """Fails at every message to chat 1, and at all of them while it is `away`."""

    def __init__(self) -> None:
        self.away = False
        self.failures = 0
        self.answered = 0
        self.held: asyncio.Event | None = None

    async def answer(self, request: web.Request) -> web.Response:
        if self.away or (await request.json())["chat_id"] == 1:
            self.failures += 1
            return web.json_response(
                {"ok": False, "error_code": 500, "description": "Internal Server Error"}, status=500
            )
        if self.held is not None:
            await self.held.wait()
        self.answered += 1
        return web.json_response({"ok": True, "result": {"message_id": 7}})


@asynccontextmanager
async def _messenger(server: _Server, clock: ManualClock) -> AsyncIterator[TelegramMessenger]:
    async def note(_target: Target, _method: str, _seconds: float) -> None:
        pass

    app = web.Application()
    app.router.add_post("/{path:.*}", server.answer)
    async with TestServer(app) as running, BotApi("1:t", server=str(running.make_url(""))) as api:
        yield TelegramMessenger(api, Pacer(clock, enabled=False), clock, note)


async def _note() -> None:
    """Record nothing: there is no database here."""


async def _advance(clock: ManualClock, server: _Server, task: "asyncio.Task[int]", failures: int) -> None:
    """Let time pass until the server has failed so often, or the task is over."""
    async with asyncio.timeout(30):
        while server.failures < failures and not task.done():
            await clock.advance(61)
            await asyncio.sleep(0.01)


async def test_message_that_alone_fails_for_minutes_is_given_up() -> None:
    server, clock = _Server(), ManualClock()
    async with _messenger(server, clock) as messenger:
        task = asyncio.create_task(messenger.put(_BAD, Part(0, "bad"), _note))
        await _advance(clock, server, task, 3)
        assert await messenger.put(_GOOD, Part(0, "good"), _note) == 7
        await _advance(clock, server, task, 40)
        with pytest.raises(TelegramRefusedError, match="given up"):
            await task
    assert 9 <= server.failures <= 13  # waits grow to a minute each


async def test_message_is_not_given_up_while_telegram_takes_nothing() -> None:
    server, clock = _Server(), ManualClock()
    async with _messenger(server, clock) as messenger:
        server.away = True
        task = asyncio.create_task(messenger.put(_GOOD, Part(0, "good"), _note))
        await _advance(clock, server, task, 30)
        assert not task.done()
        server.away = False
        await _advance(clock, server, task, 40)
        assert await task == 7


async def test_calls_that_send_are_bounded_and_begun_right_before_they_are_made() -> None:
    server, begun, most = _Server(), 0, 0
    server.held = asyncio.Event()
    async with _messenger(server, ManualClock()) as messenger:

        async def begin() -> None:
            nonlocal begun, most
            begun += 1
            most = max(most, begun - server.answered)

        targets = [Target(ChatKey("a", number), ChatKind.PRIVATE) for number in range(10, 50)]
        calls = [asyncio.create_task(messenger.put(target, Part(0, "hello"), begin)) for target in targets]
        async with asyncio.timeout(30):
            while begun < 16:  # noqa: ASYNC110 - the messenger has no event for it
                await asyncio.sleep(0.01)
        server.held.set()
        await asyncio.gather(*calls)
    assert (begun, most) == (40, 16)
