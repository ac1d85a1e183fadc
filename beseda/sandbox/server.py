from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import uvicorn

from beseda.sandbox.app import Sandbox, create_sandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from starlette.types import ASGIApp

    from beseda.sandbox.settings import SandboxSettings


@dataclass(frozen=True, slots=True)
class RunningSandbox:
    """A sandbox that listens."""

    sandbox: Sandbox
    base_url: str


@asynccontextmanager
async def serve_sandbox(
    settings: SandboxSettings, *, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[RunningSandbox]:
    """Serve a sandbox in this event loop; port 0 takes a free one. Raises OSError when the port is taken."""
    sandbox = create_sandbox(settings)
    async with serve_app(sandbox.make_app(), host=host, port=port, before_stop=sandbox.close) as base_url:
        yield RunningSandbox(sandbox, base_url)


@asynccontextmanager
async def serve_app(
    app: ASGIApp, *, host: str = "127.0.0.1", port: int = 0, before_stop: Callable[[], Awaitable[None]]
) -> AsyncIterator[str]:
    """Serve an ASGI app in this event loop and yield its address; `before_stop` ends what waits in it.

    Raises OSError when the port is taken.
    """
    listener = _listen(host, port)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="on",
        timeout_graceful_shutdown=2,
        # A connection closed after 5 s, uvicorn's default, meets many a bot just as it sends.
        timeout_keep_alive=75,
        date_header=False,
        server_header=False,
    )
    server = _QuietServer(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await server.wait_until_started(task)
        shown = f"[{host}]" if ":" in host else host
        yield f"http://{shown}:{listener.getsockname()[1]}"
    finally:
        # First what waits, or the server would wait for it.
        await before_stop()
        server.stop()
        await task
        listener.close()


def _listen(host: str, port: int) -> socket.socket:
    # asyncio switches Nagle's algorithm off only where the protocol is named; else every answer waits 40 ms.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except OSError:
        listener.close()
        raise
    return listener


class _QuietServer(uvicorn.Server):
    """Leaves signals to whoever owns the event loop, and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._started = asyncio.Event()
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        self.should_exit = True
        self._stopped.set()

    async def main_loop(self) -> None:
        # Its own loop looks every 100 ms whether to stop, and renews a date header that is switched off here.
        await self._stopped.wait()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._started.set()

    async def wait_until_started(self, task: asyncio.Task[None]) -> None:
        started = asyncio.ensure_future(self._started.wait())
        await asyncio.wait({started, task}, return_when=asyncio.FIRST_COMPLETED)
        started.cancel()
        if task.done():
            task.result()
            raise OSError("the sandbox did not start")
