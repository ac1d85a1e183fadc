from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from beseda.kit.serving import Listener, serve_app
from beseda.sandbox.app import Sandbox, create_sandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

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
    listener = Listener(host, port)
    try:
        sandbox = create_sandbox(settings)
        async with serve_app(sandbox.make_app(), listener, before_stop=sandbox.close):
            yield RunningSandbox(sandbox, listener.address)
    finally:
        listener.close()
