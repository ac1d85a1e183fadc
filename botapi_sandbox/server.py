"""A sandbox that listens, inside an event loop that is there already."""

from __future__ import annotations

import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette

from botapi_sandbox.app import Sandbox, create_sandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from botapi_sandbox.settings import SandboxSettings

_GRACE = 2  # seconds that requests get when the server stops
_KEEP_ALIVE = 75  # seconds: a connection closed after uvicorn's 5 meets many a client just as it sends
_BACKLOG = 2048


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
    with _listen(host, port) as listener:
        sandbox = create_sandbox(settings)
        config = uvicorn.Config(
            Starlette(routes=sandbox.routes),
            http="h11",  # it limits the memory for an unfinished head to 64 KB
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=_GRACE,
            timeout_keep_alive=_KEEP_ALIVE,
            date_header=False,
            server_header=False,
        )
        config.load()
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        # The parts of `Server.serve`, which would take over the signals and look for its end every 100 ms.
        await server.startup(sockets=[listener])
        try:
            yield RunningSandbox(sandbox, f"http://{host}:{listener.getsockname()[1]}")
        finally:
            await sandbox.close()
            await server.shutdown(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    # asyncio switches Nagle's algorithm off only where the protocol is named; else every answer waits 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
