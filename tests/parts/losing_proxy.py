"""A proxy before a Bot API server that loses answers: the connection is cut, the call takes effect at once or late."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web


@dataclass
class LosingProxy:
    """Forwards calls. The next `losing` calls of `method` have no answer; their effect comes after `late` seconds."""

    server: str
    base_url: str = ""
    method: str = "sendMessage"
    losing: int = 0
    late: float = 0.0
    late_calls: set[asyncio.Task[bytes]] = field(default_factory=set)

    async def forward(self, request: web.Request) -> web.StreamResponse:
        """Answer one call as the server does, or lose its answer."""
        body, headers = await request.read(), {"Content-Type": request.headers.get("Content-Type", "")}
        call = asyncio.create_task(self._call(request.path, body, headers))
        if not (request.path.endswith(f"/{self.method}") and self.losing):
            return web.Response(body=await call, content_type="application/json")
        self.losing -= 1
        self.late_calls.add(call)
        if not self.late:
            await call
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    async def _call(self, path: str, body: bytes, headers: dict[str, str]) -> bytes:
        if self.losing and path.endswith(f"/{self.method}"):
            await asyncio.sleep(self.late)
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.server + path, data=body, headers=headers) as answer,
        ):
            return await answer.read()


@asynccontextmanager
async def losing_proxy(server: str) -> AsyncIterator[LosingProxy]:
    """Run a proxy before the server for the length of the block."""
    proxy = LosingProxy(server)
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_post("/{path:.*}", proxy.forward)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    proxy.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield proxy
    finally:
        for call in proxy.late_calls:
            call.cancel()
        await runner.cleanup()
