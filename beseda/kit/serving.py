"""Serving an ASGI app inside an event loop that somebody else owns."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn

_GRACE = 2  # seconds that requests get when the server stops


class Listener:
    """A bound socket: its address is known before anything is served on it.

    Raises OSError when the port is taken; port 0 takes a free one.
    """

    def __init__(self, host: str, port: int) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.create_server((host, port), family=family, backlog=2048)
        self._host = host

    @property
    def address(self) -> str:
        """The base URL that reaches it from this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self._host, self._host)  # noqa: S104 - compared, not bound
        shown = f"[{host}]" if ":" in host else host
        return f"http://{shown}:{self.socket.getsockname()[1]}"

    def close(self) -> None:
        """Give the port back."""
        self.socket.close()


@asynccontextmanager
async def serve_app(app: Any, listener: Listener) -> AsyncIterator[None]:
    """Serve `app` for the length of the block; it answers from the first line of the block on."""
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="auto", timeout_graceful_shutdown=_GRACE)
    server = _QuietServer(config)
    task = asyncio.create_task(server.serve(sockets=[listener.socket]))
    try:
        await server.wait_until_started(task)
        yield
    finally:
        server.should_exit = True
        await task


class _QuietServer(uvicorn.Server):
    """Leaves signals to the owner of the event loop, and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._up = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._up.set()

    async def wait_until_started(self, task: asyncio.Task[None]) -> None:
        up = asyncio.create_task(self._up.wait())
        await asyncio.wait({up, task}, return_when=asyncio.FIRST_COMPLETED)
        up.cancel()
        if task.done():
            task.result()
            raise OSError("the server did not start")
