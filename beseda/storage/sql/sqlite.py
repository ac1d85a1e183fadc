"""SQLite: brief writes on the event loop, everything else in threads.

With WAL and synchronous=NORMAL a commit is a write to the page cache: a few microseconds, less than waking a thread.
What may take long is kept off the loop. Waiting for another process's lock: a busy file is tried again in the writing
thread. The checkpoint, which waits for the disk: never done by a commit here, but in that thread. Long functions: too.

A thread for all writes looks cleaner and was measured first: sqlite3 gives up the interpreter's lock at every row and
gets it back only after 5 ms from a loop that is busy, so that one batch of 64 chats took a second under load.
"""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import QueuePool

from beseda.errors import SettingsError, StorageError
from beseda.storage.sql.failure import is_passing
from beseda.storage.sql.uow import Entry, commit_entries

T = TypeVar("T")
_READERS = 2
_BUSY_MS = 5000
# The log is folded into the database above the first size, and cut to the second when it starts over.
_LOG_BYTES = 8 * 1024 * 1024
_LOG_BYTES_KEPT = 4 * 1024 * 1024
_BATCHES_BETWEEN_LOOKS = 16


class SqliteBackend:
    """Sync engines: SQLAlchemy's async layer costs forty times what SQLite does."""

    def __init__(self, path: Path, *, synchronous: str) -> None:
        prepare_file(path)
        self._write_engine = _build_engine(path, begin="BEGIN IMMEDIATE", synchronous=synchronous)
        self._read_engine = _build_engine(path, begin="BEGIN", synchronous=synchronous)
        self._writer = ThreadPoolExecutor(1, "sqlite-writer")
        self._readers = ThreadPoolExecutor(_READERS, "sqlite-reader")
        self._connection: Connection | None = None
        # With FULL each commit waits for the disk: that is the thread's business.
        self._on_loop = synchronous in {"OFF", "NORMAL"}
        self._log = path.with_name(f"{path.name}-wal")
        self._batches = 0

    async def connect(self) -> None:
        """Open the file and keep the writing connection. Raises sqlalchemy's errors."""
        await self._in_writer(self._open_writer)

    async def run(self, entries: Sequence[Entry]) -> None:
        """Commit entries; never called again before it has returned, so that the connection has one user at a time."""
        if not (self._on_loop and self._connection is not None and entries[0].brief and self._try_at_once(entries)):
            await self._in_writer(lambda: self._write(entries))
        self._batches += 1
        if self._batches % _BATCHES_BETWEEN_LOOKS == 0 and _read_size(self._log) > _LOG_BYTES:
            # Writes wait for it meanwhile: the log starts over only when nothing is added to it.
            await self._in_writer(self._checkpoint)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a reading thread, on one consistent view of the data."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    async def close(self) -> None:
        """Close every connection; the last one folds the write-ahead log into the file."""
        await self._in_writer(self._close)
        self._readers.shutdown(wait=True)
        self._writer.shutdown(wait=True)

    async def _in_writer(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writer, function)

    def _try_at_once(self, entries: Sequence[Entry]) -> bool:
        """Commit entries here and now and return True, or False where another process holds the lock."""
        assert self._connection is not None  # noqa: S101 - looked at by the only caller
        try:
            commit_entries(self._connection, entries)
        except OperationalError as error:
            if not is_passing(error):
                raise
            return False
        return True

    def _open_writer(self) -> Connection:
        self._connection = self._write_engine.connect()
        self._set_patience(0)
        return self._connection

    def _write(self, entries: Sequence[Entry]) -> None:
        connection = self._connection or self._open_writer()
        self._set_patience(_BUSY_MS)
        try:
            commit_entries(connection, [entry for entry in entries if not entry.settled])
        finally:
            self._set_patience(0)

    def _checkpoint(self) -> None:
        self._execute("PRAGMA wal_checkpoint(PASSIVE)")

    def _set_patience(self, milliseconds: int) -> None:
        self._execute(f"PRAGMA busy_timeout={milliseconds}")

    def _execute(self, pragma: str) -> None:
        # Past SQLAlchemy, which would open a transaction around it.
        driver = self._connection.connection.driver_connection if self._connection is not None else None
        if isinstance(driver, sqlite3.Connection):
            driver.execute(pragma).close()

    def _read(self, work: Callable[[Connection], T]) -> T:
        with self._read_engine.connect() as connection:
            return work(connection)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._write_engine.dispose()
        self._read_engine.dispose()


def _read_size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def find_file(url: URL) -> Path:
    """Return the file a SQLite URL names. Raises SettingsError where it names none."""
    if not url.database or url.database == ":memory:":
        raise SettingsError("DATABASE_URL: SQLite needs a file, as in sqlite:///data/beseda.db")
    return Path(url.database)


def prepare_file(path: Path) -> None:
    """Make the folder and the file, readable by their owner alone: people's conversations are in it.

    Raises StorageError where that is not possible.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if path.exists() and os.access(path, os.R_OK | os.W_OK) and path.is_file():
            # Left alone: to open and close it would drop the locks that this process holds on it already
            # (https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_)
            return
        # SQLite gives its -wal and -shm files the mode of the database.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StorageError(f"cannot open the database file {path}: {error.strerror}") from error


def _build_engine(path: Path, *, begin: str, synchronous: str) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=QueuePool,
        pool_size=_READERS,
        max_overflow=0,
        connect_args={"check_same_thread": False, "timeout": _BUSY_MS / 1000},
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
        # The driver's own BEGIN comes late and is never IMMEDIATE: two that upgrade from reading to writing deadlock.
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            f"busy_timeout={_BUSY_MS}",
            "foreign_keys=ON",
            "temp_store=MEMORY",
            "wal_autocheckpoint=0",
            f"journal_size_limit={_LOG_BYTES_KEPT}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin_transaction(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine
