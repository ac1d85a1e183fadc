"""A proxy of HTTP: passes requests and tunnels on, and counts them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class ProxyServer:
    """What came through: first lines of requests, and what they carried as `Proxy-Authorization`."""

    url: str = ""
    requests: list[str] = field(default_factory=list)
    credentials: list[str] = field(default_factory=list)
    refuse_with: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        line, *headers = head.split("\r\n")
        self.requests.append(line)
        self.credentials += [header.split(": ")[1] for header in headers if header.startswith("Proxy-Auth")]
        if self.refuse_with:
            writer.write(f"HTTP/1.1 {self.refuse_with}\r\nContent-Length: 0\r\n\r\n".encode())
            writer.close()
            return
        method, target, version = line.split()
        place = urlsplit(f"//{target}" if method == "CONNECT" else target)
        there, back = await asyncio.open_connection(place.hostname, place.port)
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            path = f"{place.path}?{place.query}" if place.query else place.path
            back.write("\r\n".join([f"{method} {path} {version}", *headers]).encode())
        await asyncio.gather(_pass_on(reader, back), _pass_on(there, writer))


async def _pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while piece := await source.read(65536):
        target.write(piece)
    target.close()


@asynccontextmanager
async def serve_proxy() -> AsyncIterator[ProxyServer]:
    """Run a proxy for the length of the block."""
    proxy = ProxyServer()
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()
