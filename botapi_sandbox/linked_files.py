"""Files that a bot names by a link: those on this machine are fetched, no other address is contacted."""

from __future__ import annotations

import tempfile
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp

from botapi_sandbox.files import ReceivedFile
from botapi_sandbox.refusals import ApiRefusalError, bad_request
from botapi_sandbox.sessions import is_loopback, open_session
from botapi_sandbox.settings import MEBIBYTE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

# #sending-files: 5 MB for a photo by its link, 20 MB for other files.
_MAX_PHOTO_BYTES = 5 * MEBIBYTE
_MAX_FILE_BYTES = 20 * MEBIBYTE
_TIMEOUT = aiohttp.ClientTimeout(total=20, connect=5)
_CHUNK = 1 << 16


@asynccontextmanager
async def fetch_upload(url: str, kind: str) -> AsyncIterator[ReceivedFile]:
    """The file behind a loopback address, redirects not followed; raises ApiRefusalError in Telegram's words."""
    if not is_loopback(url):
        raise _refuse_address()
    limit = _MAX_PHOTO_BYTES if kind == "photo" else _MAX_FILE_BYTES
    with tempfile.SpooledTemporaryFile(max_size=MEBIBYTE) as file:
        try:
            async with (
                open_session(url, timeout=_TIMEOUT) as session,
                session.get(url, allow_redirects=False) as response,
            ):
                if response.status != 200:
                    raise _refuse_address()
                size = 0
                async for chunk in response.content.iter_chunked(_CHUNK):
                    size += len(chunk)
                    if size > limit:
                        raise _refuse_address()
                    file.write(chunk)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            raise _refuse_address() from None
        mime_type = response.content_type
        if kind == "photo" and not mime_type.startswith("image/"):
            raise bad_request("wrong type of the web page content")
        name = urlsplit(url).path.rpartition("/")[2] or "file"
        yield ReceivedFile(file, size, name, mime_type)


def _refuse_address() -> ApiRefusalError:
    return bad_request("failed to get HTTP URL content", in_album="WEBPAGE_CURL_FAILED")
