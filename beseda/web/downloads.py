"""Files over HTTP: always as something to save, never as something that a browser would open in our name."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from beseda.core.errors import NotFoundError

MEDIA_TYPE = "application/octet-stream"
DOWNLOAD: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The content.",
        "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}, "example": "…"}},
        "headers": {"Content-Disposition": {"description": "The name to save it under.", "schema": {"type": "string"}}},
    }
}
_CHUNK = 256 * 1024
_PLAIN = "-_.() "


async def send_file(path: Path, name: str) -> Response:
    """Return a file as a streamed response. `name` may contain any characters.

    The file is opened here, so that deleting it during the download does not cut the response off. Raises NotFoundError
    if it does not exist.
    """
    try:
        file = await asyncio.to_thread(path.open, "rb")
    except FileNotFoundError:
        raise NotFoundError(f"the file {path.name}") from None
    size = os.fstat(file.fileno()).st_size
    headers = {
        "Content-Disposition": write_disposition(name),
        "Content-Length": str(size),
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    return StreamingResponse(_read(file, size), headers=headers, media_type=MEDIA_TYPE)


def send_bytes(content: bytes, name: str, media_type: str = MEDIA_TYPE) -> Response:
    """Return bytes as a file to save."""
    headers = {
        "Content-Disposition": write_disposition(name),
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    return Response(content, headers=headers, media_type=media_type)


def write_disposition(name: str) -> str:
    """Return `Content-Disposition` (RFC 6266): plain letters for old readers, then the name as it is."""
    name = "".join("_" if letter in '/\\"' or not letter.isprintable() else letter for letter in name)[:150].strip()
    name = name.encode(errors="replace").decode() or "file"
    plain = "".join(c if c.isascii() and (c.isalnum() or c in _PLAIN) else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


async def _read(file: BinaryIO, size: int) -> AsyncIterator[bytes]:
    left = size  # as the header has it: not more, should the file have grown
    try:
        while left > 0 and (chunk := await asyncio.to_thread(file.read, min(_CHUNK, left))):
            left -= len(chunk)
            yield chunk
    finally:
        file.close()
