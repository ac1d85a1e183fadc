"""User files: stored under generated names, looked up, and deleted by their owner or when they expire.

A file is written under a temporary name and synced to the disk. Only then is it renamed and added to the database. So a
crash leaves at worst a complete file without a row, which a sweep removes.
"""

import asyncio
import errno
import hashlib
import logging
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from beseda.core.clock import Clock
from beseda.core.errors import NotFoundError, StorageError
from beseda.core.ids import new_id
from beseda.core.threads import run_to_end
from beseda.engine.files.model import FileOwner, FilePage, FileSum, NewFile, StoredFile
from beseda.engine.files.repository import FileRepository

log = logging.getLogger(__name__)

_CHUNK = 1024 * 1024
_BATCH = 500
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_YOUNG = 3600.0  # seconds: a file without a row that is younger may be on its way into the record
_SUFFIX = re.compile(r"\.[a-z0-9]{1,8}")
_OURS = re.compile(r"(\d{1,19})(\.[a-z0-9]{1,8})?")
_PART = ".part"
# What we make or take; the standard library's table depends on the machine.
_MIMES = {
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".flac": "audio/flac",
    ".jpg": "image/jpeg",
    ".m4a": "audio/mp4",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".ogg": "audio/ogg",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".srt": "application/x-subrip",
    ".txt": "text/plain; charset=utf-8",
    ".wav": "audio/wav",
    ".webp": "image/webp",
    ".zip": "application/zip",
}


class DiskFullError(StorageError):
    """There is no room on the disk for a file."""


@dataclass(frozen=True, slots=True)
class Swept:
    """Counts of a sweep: files without a row, rows without a file, and temporary files left by a crash."""

    files: int = 0
    rows: int = 0
    parts: int = 0


class FileService:
    """Keeps files in one folder: two hex digits, then the id. Every method raises StorageError."""

    def __init__(self, store: FileRepository, folder: Path, clock: Clock) -> None:
        self._store = store
        self._folder = folder
        self._clock = clock

    async def save(self, new: NewFile, content: bytes | Path) -> StoredFile:
        """Keep bytes, or a copy of a file, and return it. Raises DiskFullError; then nothing is left behind."""
        suffix = new.suffix.lower()
        suffix = suffix if _SUFFIX.fullmatch(suffix) else ""
        path = f"{_shard(new.id)}/{new.id}{suffix}"
        try:
            size, digest = await run_to_end(lambda: _write(self._folder / path, content))
        except asyncio.CancelledError:
            await asyncio.to_thread((self._folder / path).unlink, missing_ok=True)
            raise
        stored = StoredFile(
            id=new.id,
            owner=new.owner,
            chat_id=new.chat_id,
            kind=new.kind,
            title=new.title,
            path=path,
            mime=new.mime or _MIMES.get(suffix, "application/octet-stream"),
            size=size,
            sha256=digest,
            created_at=self._clock.now(),
            turn_id=new.turn_id,
            job_id=new.job_id,
        )
        try:
            await self._store.add(stored)
        except Exception:
            await self._unlink([stored])
            raise
        return stored

    async def find(self, file_id: int, owner: FileOwner) -> StoredFile:
        """Return a file of this owner. Raises NotFoundError."""
        found = await self._store.find(file_id, owner)
        if found is None:
            raise NotFoundError(f"file {file_id}")
        return found

    def path(self, file: StoredFile) -> Path:
        """Return the path of a file's content."""
        return self._folder / file.path

    async def open_path(self, file: StoredFile) -> Path:
        """Return the path of a file's content after checking that it exists. Raises NotFoundError."""
        path = self.path(file)
        if not await asyncio.to_thread(path.is_file):
            raise NotFoundError(f"file {file.id} has lost its content")
        return path

    async def read(self, file: StoredFile) -> bytes:
        """Return the content of a file. Raises NotFoundError if it no longer exists."""
        path = await self.open_path(file)
        return await asyncio.to_thread(path.read_bytes)

    async def list(self, owner: FileOwner, *, page: int = 0, size: int = 8) -> FilePage:
        """Return a page of an owner's files, newest first; one beyond the last is the last."""
        total = await self._store.sum(owner)
        pages = max(1, -(-total.count // size))
        number = min(max(page, 0), pages - 1)
        files = await self._store.recent(owner, limit=size, offset=number * size)
        return FilePage(tuple(files), number, pages, total)

    async def used(self, owner: FileOwner) -> FileSum:
        """Return how many files an owner has, and their bytes."""
        return await self._store.sum(owner)

    async def delete(self, file_id: int, owner: FileOwner) -> bool:
        """Delete a file of this owner. Return False if it does not exist."""
        found = await self._store.find(file_id, owner)
        if found is None:
            return False
        await self._drop([found])
        return True

    async def delete_all(self, owner: FileOwner) -> FileSum:
        """Delete all files of an owner and return how much that was."""
        count = size = 0
        while batch := await self._store.recent(owner, limit=_BATCH):
            await self._drop(batch)
            count, size = count + len(batch), size + sum(file.size for file in batch)
        return FileSum(count, size)

    async def expire(self, before: datetime) -> FileSum:
        """Delete all users' files stored before that time and return their number and size."""
        count = size = 0
        while batch := await self._store.older(before, limit=_BATCH):
            await self._drop(batch)
            count, size = count + len(batch), size + sum(file.size for file in batch)
        return FileSum(count, size)

    async def sweep(self) -> Swept:
        """Bring folder and record together again: remove files without a row and rows without a file."""
        oldest = self._clock.now().timestamp() - _YOUNG
        found, parts = await asyncio.to_thread(_look_around, self._folder, oldest)
        numbers, strays = list(found), []
        for start in range(0, len(numbers), _BATCH):
            batch = numbers[start : start + _BATCH]
            known = {self._folder / path for path in (await self._store.paths(batch)).values()}
            strays += [path for number in batch for path in found[number] if path not in known]
        await asyncio.to_thread(_unlink_all, [*strays, *parts])
        swept = Swept(len(strays), await self._drop_hollow_rows(), len(parts))
        if any((swept.files, swept.rows, swept.parts)):
            log.warning("files and their record differed: %s", swept)
        return swept

    async def _drop_hollow_rows(self) -> int:
        count, last = 0, 0
        while batch := await self._store.after(last, limit=_BATCH):
            last = batch[-1].id
            places = {file.id: self.path(file) for file in batch}
            gone = await asyncio.to_thread(lambda: [number for number, path in places.items() if not path.exists()])  # noqa: B023 - awaited at once
            count += await self._store.remove(gone) if gone else 0
        return count

    async def _drop(self, files: Iterable[StoredFile]) -> None:
        # The row first: whoever still sees it could be handed a file that is gone.
        files = list(files)
        await self._store.remove([file.id for file in files])
        await self._unlink(files)

    async def _unlink(self, files: Iterable[StoredFile]) -> None:
        await run_to_end(lambda: _unlink_all([self.path(file) for file in files]))


def is_full(error: OSError) -> bool:
    """Return whether there was no room on the disk, or no more was allowed."""
    return error.errno in _FULL


def _shard(number: int) -> str:
    # Ids rise with time and mostly end in zeros: no digits of their own would spread them.
    return hashlib.sha256(b"%d" % number).hexdigest()[:2]


def _write(target: Path, content: bytes | Path) -> tuple[int, str]:
    part = target.with_name(f"{target.name}.{new_id()}{_PART}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        written = _copy(content, part)
        part.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        part.unlink(missing_ok=True)
        kind = DiskFullError if is_full(error) else StorageError
        raise kind(f"cannot keep a file: {error.strerror or type(error).__name__}") from error
    return written


def _copy(content: bytes | Path, part: Path) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        for chunk in _read_chunks(content):
            digest.update(chunk)
            size += file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return size, digest.hexdigest()


def _read_chunks(content: bytes | Path) -> Iterable[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as source:
        while chunk := source.read(_CHUNK):
            yield chunk


def _sync_folder(folder: Path) -> None:
    # Without it a power cut may take back the new name: https://man7.org/linux/man-pages/man2/fsync.2.html
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _look_around(folder: Path, oldest: float) -> tuple[dict[int, list[Path]], list[Path]]:
    """Return files of ours by their ids, and leftovers, both not younger than `oldest`; others are left alone."""
    found: dict[int, list[Path]] = {}
    parts: list[Path] = []
    for path in folder.glob("[0-9a-f][0-9a-f]/*"):
        try:
            if path.stat().st_mtime > oldest:
                continue
        except FileNotFoundError:
            continue
        if path.name.endswith(_PART):
            parts.append(path)
        elif match := _OURS.fullmatch(path.name):
            found.setdefault(int(match[1]), []).append(path)
    return found, parts


def _unlink_all(paths: Iterable[Path]) -> None:
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("a file could not be removed: %s", error.strerror)
