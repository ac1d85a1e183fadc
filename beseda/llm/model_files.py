"""Download of model files by address and hash. Broken downloads are resumed, and the hash is verified."""

import asyncio
import errno
import hashlib
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from yarl import URL

from beseda.core.backoff import Backoff
from beseda.core.clock import Clock
from beseda.core.errors import ProtocolError, SettingsError, TimedOutError, ToolError, UnavailableError
from beseda.http.client import HttpClient, HttpRequest

_CHUNK = 1024 * 1024
_ATTEMPTS = 5  # in a row without a byte
_KEPT_FREE = 200_000_000  # bytes of the disk that are left to others
_MAGIC = b"GGUF"
_HASH = re.compile(r"[0-9a-f]{64}")
_CONNECT_SECONDS, _IDLE_SECONDS = 10.0, 60.0
_BROKEN = (UnavailableError, TimedOutError)

Progress = Callable[[int, int], None]
"""Takes the bytes that are there and the bytes in all, 0 where the server does not report them."""


@dataclass(frozen=True, slots=True)
class ModelSource:
    """The address of a model file and the SHA-256 of its content."""

    url: URL
    sha256: str

    @classmethod
    def read(cls, url: str, sha256: str) -> "ModelSource":
        """Parse an address and a hash as typed. Raises SettingsError if either is invalid."""
        parsed = URL(url)
        if parsed.scheme not in {"http", "https"} or not parsed.host:
            raise SettingsError(f"{url} is no address of a model file; give one that begins with https://")
        if not parsed.name.lower().endswith(".gguf"):
            raise SettingsError(f"{parsed.name or url} is no .gguf file: llama.cpp reads no other")
        wanted = sha256.strip().lower().removeprefix("sha256:")
        if not _HASH.fullmatch(wanted):
            raise SettingsError("--sha256 takes the 64 hexadecimal digits that the file's page shows")
        return cls(parsed, wanted)

    @property
    def name(self) -> str:
        """The name of the file here: without anything that a file system could take for a folder."""
        return re.sub(r"[^\w.-]", "_", self.url.name).lstrip(".")[-120:]


class ModelFiles:
    """The model files of a folder."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._backoff = Backoff(first=0.5, cap=8.0)

    async def fetch(self, source: ModelSource, progress: Progress | None = None) -> Path:
        """Return the file of `source`, downloaded if it is not there yet.

        A broken download is resumed, now or at the next call. Raises UnavailableError if the connection breaks
        repeatedly, ProtocolError for a refusal or a wrong hash, ToolError if the disk is full or the file cannot be
        written.
        """
        await asyncio.to_thread(self._folder.mkdir, parents=True, exist_ok=True)
        target = self._folder / source.name
        if await asyncio.to_thread(target.is_file) and await asyncio.to_thread(_hash, target) == source.sha256:
            return target
        part = target.with_name(f"{target.name}.{source.sha256[:8]}.part")
        async with HttpClient() as http:
            await self._download(http, source, part, progress or (lambda done, total: None))
        if (found := await asyncio.to_thread(_hash, part)) != source.sha256:
            await asyncio.to_thread(part.unlink)
            raise ProtocolError(f"{source.name}: its SHA-256 is {found}, not the one given; it was removed")
        await asyncio.to_thread(part.replace, target)
        return target

    async def _download(self, http: HttpClient, source: ModelSource, part: Path, progress: Progress) -> None:
        attempt = 0
        while True:
            before = await asyncio.to_thread(_measure, part)
            try:
                await self._continue(http, source, part, progress)
            except _BROKEN as error:
                attempt = 0 if await asyncio.to_thread(_measure, part) > before else attempt + 1
                if attempt >= _ATTEMPTS:
                    reason = f"{type(error).__name__}; the same command goes on where it stopped"
                    raise UnavailableError(f"{source.name}: the connection breaks: {reason}") from error
                await self._clock.sleep(self._backoff.delay(attempt))
            except OSError as error:
                if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
                    advice = "make room, and the same command goes on where it stopped"
                    raise ToolError(f"{source.name}: the disk is full; {advice}") from error
                raise ToolError(f"{source.name} cannot be written: {error.strerror or type(error).__name__}") from error
            else:
                return

    async def _continue(self, http: HttpClient, source: ModelSource, part: Path, progress: Progress) -> None:
        """Fetch the missing part of a file. Raises UnavailableError or TimedOutError if the connection breaks."""
        done = await asyncio.to_thread(_measure, part)
        headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={done}-"} if done else {})}
        request = HttpRequest(
            "GET", source.url, headers=headers, connect=_CONNECT_SECONDS, idle=_IDLE_SECONDS, redirects=True
        )
        async with http.exchange(request) as response:
            if response.status == 416:  # nothing is missing
                return
            if response.status >= 500:
                raise UnavailableError(f"HTTP {response.status}", endpoint=source.name, status=response.status)
            if response.status not in {200, 206}:
                raise ProtocolError(
                    f"HTTP {response.status}; is the address right?", endpoint=source.name, status=response.status
                )
            if response.status == 200:
                done = 0  # this server cannot go on, and begins anew
            total = done + (response.content_length or 0) if response.content_length else 0
            _check_room(source, part, total - done)
            with await asyncio.to_thread(part.open, "ab" if done else "wb") as sink:
                async for chunk in response.content.iter_chunked(_CHUNK):
                    if not done and not chunk.startswith(_MAGIC[: len(chunk)]):
                        raise ProtocolError(f"{source.name}: what the address answers is no GGUF file")
                    await asyncio.to_thread(sink.write, chunk)
                    done += len(chunk)
                    progress(done, total)
            if total and done < total:
                raise UnavailableError(f"{done} of {total} bytes", endpoint=source.name)


def _measure(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_room(source: ModelSource, part: Path, missing: int) -> None:
    free = shutil.disk_usage(part.parent).free - _KEPT_FREE
    if missing > free:
        raise ToolError(f"{source.name}: {missing:,} bytes more are needed, and {max(0, free):,} are free on the disk")
