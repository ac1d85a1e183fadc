"""What stands before several replicas: each call goes to the next one that takes it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer


@dataclass
class Balancer:
    """Hands calls to the backends by turns. `taken` counts what each has taken."""

    backends: list[str] = field(default_factory=list)
    taken: dict[str, int] = field(default_factory=dict)
    url: str = ""
    _turn: int = 0

    async def forward(self, request: web.Request, session: aiohttp.ClientSession) -> web.Response:
        """Hand a call to the first backend, from the one whose turn it is, that answers with less than 500."""
        body = await request.read()
        self._turn += 1
        for number in range(len(self.backends)):
            backend = self.backends[(self._turn + number) % len(self.backends)]
            try:
                async with session.post(backend + request.path, data=body, headers=_headers(request)) as answer:
                    if answer.status < 500:
                        self.taken[backend] = self.taken.get(backend, 0) + 1
                        return web.Response(status=answer.status)
            except (TimeoutError, aiohttp.ClientError):
                continue
        return web.Response(status=503)


def _headers(request: web.Request) -> dict[str, str]:
    name = "x-telegram-bot-api-secret-token"
    return {name: request.headers.get(name, ""), "content-type": "application/json"}


@asynccontextmanager
async def open_balancer() -> AsyncIterator[Balancer]:
    """Listen on loopback for the length of the block."""
    balancer = Balancer()
    timeout = aiohttp.ClientTimeout(total=2.0)
    async with aiohttp.ClientSession(timeout=timeout) as session:

        async def forward(request: web.Request) -> web.Response:
            return await balancer.forward(request, session)

        app = web.Application()
        app.router.add_post("/{path:.*}", forward)
        server = TestServer(app)
        await server.start_server()
        balancer.url = str(server.make_url("")).rstrip("/")
        try:
            yield balancer
        finally:
            await asyncio.shield(server.close())
