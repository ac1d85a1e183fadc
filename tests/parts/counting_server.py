"""A server that answers nothing and counts its connections."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass


@dataclass
class CountingServer:
    """Its address is of this machine, though no loopback address by the rules of proxies."""

    url: str = ""
    connections: int = 0

    def count(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a connection and close it."""
        self.connections += 1
        writer.close()


@asynccontextmanager
async def count_connections() -> AsyncIterator[CountingServer]:
    """Run a server for the length of the block."""
    made = CountingServer()
    server = await asyncio.start_server(made.count, "0.0.0.0", 0)
    made.url = f"http://0.0.0.0:{server.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        server.close()
        await server.wait_closed()
