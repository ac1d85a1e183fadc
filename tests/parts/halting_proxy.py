"""A proxy of TCP that can stop forwarding while every connection stays open, as behind a half-open link."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class HaltingProxy:
    """Forwards connections to a port of loopback. While it is halted, no byte passes in either direction."""

    target: int
    port: int = 0
    _flowing: asyncio.Event = field(default_factory=asyncio.Event)
    _pipes: set[asyncio.Task[None]] = field(default_factory=set)

    def halt(self) -> None:
        """Forward nothing from now on; new connections are accepted and stay silent."""
        self._flowing.clear()

    def resume(self) -> None:
        """Forward again, first the bytes that came in meanwhile."""
        self._flowing.set()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward a new connection to its end."""
        pipe = asyncio.create_task(self._serve(reader, writer))
        self._pipes.add(pipe)
        pipe.add_done_callback(self._pipes.discard)

    async def close(self) -> None:
        """End every connection."""
        for task in self._pipes:
            task.cancel()
        await asyncio.gather(*self._pipes, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError), contextlib.closing(writer):
            await self._flowing.wait()
            there, back = await asyncio.open_connection("127.0.0.1", self.target)
            with contextlib.closing(back):
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._forward(reader, back))
                    group.create_task(self._forward(there, writer))

    async def _forward(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while piece := await source.read(65536):
                await self._flowing.wait()
                target.write(piece)
                await target.drain()
        target.close()


@asynccontextmanager
async def halting_proxy(target: int) -> AsyncIterator[HaltingProxy]:
    """Run a proxy before a port of loopback for the length of the block."""
    proxy = HaltingProxy(target)
    proxy.resume()
    server = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()
