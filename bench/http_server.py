"""A lean HTTP/1.1 server for load: what it costs must not be what is measured.

It knows what our two servers need: requests with a Content-Length, kept connections, whole or chunked answers.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

_BODY_LIMIT = 32 * 1024 * 1024  # an hour of speech is 12 MB
_HEAD_LIMIT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Answer it on `connection`, at once or later."""

    path: str
    body: bytes
    connection: "Connection"


Handler = Callable[[Request], None]


class Connection(asyncio.Protocol):
    """One client's connection: requests are taken one after the other."""

    def __init__(self, handle: Handler, listening: "Listening") -> None:
        self._handle = handle
        self._listening = listening
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self.on_lost: Callable[[], None] | None = None

    @property
    def is_open(self) -> bool:
        """Whether the client is still there."""
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        self._listening.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._listening.discard(self)
        if self.on_lost is not None:
            self.on_lost()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (request := self._take()) is not None:
            self._handle(request)

    def reply(self, body: bytes, *, status: bytes = b"200 OK", kind: bytes = b"application/json") -> None:
        """Answer with a whole body."""
        self.write(b"HTTP/1.1 %b\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b" % (status, kind, len(body), body))

    def begin_stream(self) -> None:
        """Begin an answer of server-sent events, to be written with `chunk` and closed with `end_stream`."""
        self.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")

    def write(self, data: bytes) -> None:
        """Write raw bytes, unless the client has gone."""
        if self.is_open and self._transport is not None:
            self._transport.write(data)

    def close(self) -> None:
        """Drop the connection."""
        if self._transport is not None:
            self._transport.abort()

    def _take(self) -> Request | None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > _HEAD_LIMIT:
                self.close()
            return None
        head = bytes(self._buffer[:end]).lower()
        size = _content_length(head)
        if size is None or size > _BODY_LIMIT:
            self.reply(b"{}", status=b"411 Length Required")
            self.close()
            return None
        if len(self._buffer) < end + 4 + size:
            return None
        path = bytes(self._buffer[: self._buffer.index(b"\r\n")]).split(b" ", 2)[1].decode()
        body = bytes(self._buffer[end + 4 : end + 4 + size])
        del self._buffer[: end + 4 + size]
        return Request(path, body, self)


def chunk(data: bytes) -> bytes:
    """Return `data` as one chunk of a chunked answer; empty data is its end."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def _content_length(head: bytes) -> int | None:
    mark = head.find(b"\r\ncontent-length:")
    if mark < 0:
        return None if b"\r\ntransfer-encoding:" in head else 0
    value = head[mark + 17 :].split(b"\r\n", 1)[0].strip()
    return int(value) if value.isdigit() else None


class Listening:
    """A server at work: its base address and who is connected."""

    def __init__(self) -> None:
        self.url = ""
        self._connections: set[Connection] = set()
        self._alone = asyncio.Event()
        self._alone.set()

    def add(self, connection: Connection) -> None:
        """Take note of a client."""
        self._connections.add(connection)
        self._alone.clear()

    def discard(self, connection: Connection) -> None:
        """Take note that a client has gone."""
        self._connections.discard(connection)
        if not self._connections:
            self._alone.set()

    async def until_alone(self) -> None:
        """Wait until nobody is connected."""
        await self._alone.wait()

    def close(self) -> None:
        """Drop all clients."""
        for connection in list(self._connections):
            connection.close()


@asynccontextmanager
async def serve(handle: Handler) -> AsyncIterator[Listening]:
    """Serve on a free port of this machine for the length of the block."""
    listening = Listening()
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(handle, listening), "127.0.0.1", 0, backlog=4096
    )
    listening.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield listening
    finally:
        server.close()
        listening.close()
        await server.wait_closed()
