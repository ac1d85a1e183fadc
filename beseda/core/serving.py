"""Serving an ASGI app inside an existing event loop."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

_GRACE = 2  # seconds that requests get when the server stops
_KEEP_ALIVE = 75  # seconds: a connection closed after uvicorn's 5 meets many a client just as it sends
_HEAD = 20.0  # seconds in which the head of a request has to come
_BACKLOG = 2048
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where to reach what listens everywhere


class Listener:
    """A bound socket: its address is known before an app is served on it.

    Port 0 takes a free port. Raises OSError if the port is taken.
    """

    def __init__(self, host: str, port: int) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # asyncio switches Nagle's algorithm off only where the protocol is named; else every answer waits 40 ms.
        self.socket = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._host = _ANYWHERE.get(host, host)
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.socket.bind((host, port))
            self.socket.listen(_BACKLOG)
        except OSError:
            self.socket.close()
            raise

    @property
    def address(self) -> str:
        """The base URL for access from this machine."""
        shown = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{shown}:{self.socket.getsockname()[1]}"

    def close(self) -> None:
        """Close the socket and free the port."""
        self.socket.close()


@asynccontextmanager
async def serve_app(
    app: Any,
    listener: Listener,
    *,
    before_stop: Callable[[], Awaitable[None]] | None = None,
    head_seconds: float = _HEAD,
) -> AsyncIterator[None]:
    """Serve `app` for the length of the block; it answers from the first line of the block on.

    `before_stop` must end the waiting requests of the app (long polls, streams); otherwise the server would wait for
    them. A connection without a complete request head after `head_seconds` is closed.
    """
    config = uvicorn.Config(
        app,
        http=type("Protocol", (_ImpatientProtocol,), {"head_seconds": head_seconds}),
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=_GRACE,
        timeout_keep_alive=_KEEP_ALIVE,
        date_header=False,
        server_header=False,
    )
    server = _QuietServer(config)
    task = asyncio.create_task(server.serve(sockets=[listener.socket]))
    try:
        await server.wait_until_started(task)
        yield
    finally:
        if before_stop is not None:
            await before_stop()
        server.stop()
        await task


class _ImpatientProtocol(H11Protocol):
    """Closes a connection that sends no request head, or sends it too slowly: uvicorn alone would wait without limit.

    It uses h11 instead of a faster parser, because h11 limits the memory for an unfinished head (64 KB).
    """

    head_seconds = _HEAD
    _hang_up: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle and not self.cycle.response_complete:
            self._stop_waiting()
        else:
            self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait_for_head(self) -> None:
        if self._hang_up is None:
            self._hang_up = self.loop.call_later(self.head_seconds, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._hang_up is not None:
            self._hang_up.cancel()
            self._hang_up = None


class _QuietServer(uvicorn.Server):
    """Leaves signals to the owner of the event loop, and signals the start of listening."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._up = asyncio.Event()
        self._down = asyncio.Event()

    def stop(self) -> None:
        self.should_exit = True
        self._down.set()

    async def main_loop(self) -> None:
        # uvicorn's own looks every 100 ms whether to stop, and renews a date header that is switched off here.
        await self._down.wait()

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
