"""The file that the terminal chat remembers in: one writer, and at any moment a whole file or the one before it."""

import contextlib
import os
import shutil
import stat
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, NamedTuple

import orjson

from beseda.cli.repl.session import BrokenMemoryError, SessionMemory, UnknownSchemaError, read_memory, write_memory
from beseda.core.errors import BesedaError, SettingsError

LARGEST = 64 * 1024 * 1024  # bytes: years of conversations; what is longer is not read at all
_PRIVATE = 0o600


class SetAside(NamedTuple):
    """A file that was moved aside: the reason (`broken`, `unknown` or `changed`) and its new path."""

    kind: str
    path: Path


class _Stamp(NamedTuple):
    """Metadata that distinguishes one state of the file from another without reading it."""

    inode: int
    size: int
    changed: int


@dataclass(frozen=True, slots=True)
class Loaded:
    """The memory that was read. `aside` is the unreadable file that was moved, `from_backup` is true if the backup
    replaced it.
    """

    memory: SessionMemory
    aside: SetAside | None = None
    from_backup: bool = False


class MemoryFile:
    """The memory file, locked by this process until `close`. A second process gets an error.

    Raises SettingsError for a path that cannot be used, and BesedaError if another process holds the file.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path.expanduser().resolve()  # through a link: what it points to is replaced, not the link
        self.read_only = read_only
        self._lock: IO[bytes] | None = None
        self._stamp: _Stamp | None = None
        _check_path(self.path, read_only=read_only)
        if not read_only:
            self._lock = _take_lock(self._beside(".lock"), self.path)

    def load(self, now: datetime) -> Loaded:
        """Read the file. An unreadable file is moved aside, and the backup is read instead if possible."""
        _check_path(self.path, read_only=self.read_only)
        try:
            memory = self._read(self.path)
        except BrokenMemoryError as error:
            if self.read_only:
                raise SettingsError(f"{self.path} cannot be read: {error}") from error
            return self._replace_unreadable(error, now)
        self._stamp = self._look()
        return Loaded(memory)

    def save(self, memory: SessionMemory, now: datetime) -> SetAside | None:
        """Write the whole memory. The state before it becomes the backup.

        Returns the new path of a file that another program wrote in the meantime, or None. Raises OSError.
        """
        if self.read_only:
            return None
        aside = None
        if (current := self._look()) is not None and self._stamp != current:
            aside = self._set_aside("changed", now)
        content = orjson.dumps(write_memory(memory), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        if aside is None and current is not None:
            # A whole copy first, then its name: a crash leaves one backup or the other.
            copy = self._beside(".bak.tmp")
            copy.unlink(missing_ok=True)
            shutil.copy2(self.path, copy)
            copy.replace(self._beside(".bak"))
        self._write(content)
        self._stamp = self._look()
        return aside

    def close(self) -> None:
        """Let other terminals have it."""
        if self._lock is not None:
            with contextlib.suppress(OSError):
                self._beside(".lock").unlink()
            self._lock.close()
            self._lock = None

    def _beside(self, suffix: str) -> Path:
        return self.path.with_name(self.path.name + suffix)

    def _look(self) -> _Stamp | None:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        return _Stamp(found.st_ino, found.st_size, found.st_mtime_ns)

    def _read(self, path: Path) -> SessionMemory:
        try:
            content = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
        except FileNotFoundError:
            return SessionMemory()
        except OSError as error:
            raise SettingsError(f"{path} cannot be read: {error.strerror}") from error
        if not content.strip():
            return SessionMemory()
        try:
            return read_memory(orjson.loads(content))
        except orjson.JSONDecodeError as error:
            raise BrokenMemoryError(f"it is not JSON ({error})") from error

    def _replace_unreadable(self, error: BrokenMemoryError, now: datetime) -> Loaded:
        newer = isinstance(error, UnknownSchemaError)
        aside = self._set_aside("unknown" if newer else "broken", now)
        backup = self._beside(".bak")
        self._stamp = None
        if not backup.is_file():
            return Loaded(SessionMemory(), aside)
        shutil.copy2(backup, aside.path.with_name(aside.path.name + ".bak"))  # ours will soon be in its place
        if not newer and backup.stat().st_size <= LARGEST:
            with contextlib.suppress(BrokenMemoryError, SettingsError):
                return Loaded(self._read(backup), aside, from_backup=True)
        return Loaded(SessionMemory(), aside)

    def _set_aside(self, kind: str, now: datetime) -> SetAside:
        """Move the file to a name that nothing has yet."""
        stem = f"{self.path.name}.{kind}-{now:%Y%m%dT%H%M%SZ}"
        names = (stem if number == 0 else f"{stem}-{number}" for number in range(1000))
        target = next(path for name in names if not os.path.lexists(path := self.path.with_name(name)))
        self.path.rename(target)
        return SetAside(kind, target)

    def _write(self, content: bytes) -> None:
        """Put a new file in the place of the old one in a single step."""
        temporary = self._beside(".tmp")
        temporary.unlink(missing_ok=True)  # of a program that was killed here
        mode = stat.S_IMODE(self.path.stat().st_mode) if self.path.exists() else _PRIVATE
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())  # else a power cut may leave the new name with nothing in it
            os.replace(temporary, self.path)  # noqa: PTH105 - the step that the document promises by this name
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def _check_path(path: Path, *, read_only: bool) -> None:
    """Reject a path that cannot be a memory file, before anything of it is read. Raises SettingsError."""
    wanted = "give a file with --memory-file or CHAT_MEMORY_FILE"
    try:
        found = path.stat()
    except FileNotFoundError:
        if not path.parent.is_dir():
            raise SettingsError(f"the memory file {path}: there is no folder {path.parent}; {wanted}") from None
        return
    except OSError as error:
        raise SettingsError(f"the memory file {path} cannot be used: {error.strerror}; {wanted}") from error
    if stat.S_ISDIR(found.st_mode):
        raise SettingsError(f"the memory file {path} is a folder; {wanted}")
    if not stat.S_ISREG(found.st_mode):
        raise SettingsError(f"the memory file {path} is not an ordinary file; {wanted}")
    if found.st_size > LARGEST:
        size = f"{found.st_size // 1_000_000} MB"
        raise SettingsError(f"the memory file {path} has {size}, more than {LARGEST // 1_048_576} MiB; {wanted}")
    if not read_only and not (found.st_mode & 0o222 and os.access(path, os.W_OK)):
        raise SettingsError(f"the memory file {path} may not be written; open it with --read-only, or {wanted}")


def _take_lock(path: Path, memory: Path) -> IO[bytes]:
    """Return the open lock file; the system lets go of it when this process ends, however it ends."""
    while True:
        try:
            file = path.open("a+b")
        except OSError as error:
            raise SettingsError(f"nothing can be written beside {memory}: {error.strerror}") from error
        try:
            _lock(file)
        except OSError:
            file.seek(0)
            holder = file.read(20).decode("ascii", "replace").strip()
            file.close()
            owner = f"another terminal (process {holder})" if holder.isdigit() else "another terminal"
            raise BesedaError(
                f"{memory} is in use by {owner}: close it there, look with --read-only, or give another --memory-file"
            ) from None
        # The one before may have removed the file between our opening and our locking it.
        if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
            file.truncate(0)
            file.write(str(os.getpid()).encode())
            file.flush()
            return file
        file.close()


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
