"""Zip files of a bounded size, written one after another beside the event loop."""

import zipfile
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from beseda.core.threads import run_to_end

# Headers of an entry, twice, and its name, twice (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3).
_OVERHEAD = 128
_END = 1024


@dataclass(frozen=True, slots=True)
class ZipEntry:
    """An entry of a zip file: bytes, or the path of a file of `size` bytes that is already compressed."""

    name: str
    content: bytes | Path
    size: int
    changed_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def room(self) -> int:
        """How many bytes it takes at most."""
        return self.size + self.size // 1000 + _OVERHEAD + 2 * len(self.name.encode())


@dataclass(frozen=True, slots=True)
class Volume:
    """A zip file that is whole by itself; `number` counts from 1."""

    path: Path
    number: int
    size: int


def fits(entry: ZipEntry, limit: int) -> bool:
    """Return whether an entry fits into a volume at all."""
    return entry.room + _END <= limit


async def write_volumes(entries: AsyncIterator[ZipEntry], folder: Path, limit: int) -> AsyncGenerator[Volume, None]:
    """Yield volumes of at most `limit` bytes. Each volume is deleted when the next one is requested.

    The caller deletes the last volume. An entry whose file was deleted in the meantime is skipped. Raises OSError.
    """
    pack: _Pack | None = None
    number = 0
    async for entry in entries:
        if pack is not None and pack.used + entry.room > limit:
            volume, pack = await run_to_end(pack.finish), None
            yield volume
            await run_to_end(partial(volume.path.unlink, missing_ok=True))
        if pack is None:
            number += 1
            pack = await run_to_end(partial(_Pack, folder / f"{number}.zip", number))
        await run_to_end(partial(pack.add, entry))
    if pack is not None:
        yield await run_to_end(pack.finish)


class _Pack:
    """A zip file that is being written."""

    def __init__(self, path: Path, number: int) -> None:
        self._path = path
        self._number = number
        self._zip = zipfile.ZipFile(path, "x", allowZip64=True)
        self.used = _END

    def add(self, entry: ZipEntry) -> None:
        """Write an entry."""
        at = entry.changed_at
        info = zipfile.ZipInfo(entry.name, (at.year, at.month, at.day, at.hour, at.minute, at.second))
        info.external_attr = 0o600 << 16
        if isinstance(entry.content, bytes):
            self._zip.writestr(info, entry.content, zipfile.ZIP_DEFLATED)
        else:
            self._copy(info, entry.content)
        self.used += entry.room

    def _copy(self, info: zipfile.ZipInfo, path: Path) -> None:
        try:
            source = path.open("rb")
        except FileNotFoundError:
            return
        with source, self._zip.open(info, "w") as target:
            while chunk := source.read(1024 * 1024):
                target.write(chunk)

    def finish(self) -> Volume:
        """Close the file and return it."""
        self._zip.close()
        return Volume(self._path, self._number, self._path.stat().st_size)
