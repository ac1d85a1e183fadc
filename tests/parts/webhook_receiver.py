"""A server of somebody else's that is told of events, and behaves as such servers do."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came."""

    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """What the body says."""
        return orjson.loads(self.body)


@dataclass
class Receiver:
    """What came in. The next answers have the statuses in `answers`, then 200.

    "hang" never answers, "drip" sends a byte now and then, "flood" sends without end, "break" closes the connection.
    """

    url: str = ""
    received: list[Received] = field(default_factory=list)
    answers: "deque[int | str]" = field(default_factory=deque)
    headers: dict[str, str] = field(default_factory=dict)
    sent: int = 0

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Take an event."""
        self.received.append(Received(dict(request.headers), await request.read()))
        answer = self.answers.popleft() if self.answers else 200
        if isinstance(answer, int):
            return web.Response(status=answer, headers=self.headers)
        if answer == "break":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        response = web.StreamResponse()
        if answer != "hang":
            await response.prepare(request)
        while True:
            if answer == "flood":
                await response.write(bytes(65536))
                self.sent += 65536
                continue
            if answer == "drip":
                await response.write(b".")
            await asyncio.sleep(0.02)

    @property
    def types(self) -> list[str]:
        """The types of what came in, in order."""
        return [item.headers["Beseda-Event"] for item in self.received]


@asynccontextmanager
async def receive_events() -> AsyncIterator[Receiver]:
    """Run a receiver on loopback for the length of the block."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/hook", receiver.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    receiver.url = f"http://{host}:{port}/hook"
    yield receiver
    await runner.cleanup()
