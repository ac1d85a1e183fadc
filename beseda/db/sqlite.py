"""SQLite: brief writes on the event loop, everything else in threads.

With WAL and synchronous=NORMAL a commit is a write to the page cache: a few microseconds, less than waking a thread.
Slow work stays off the loop. A wait for another process's lock: a busy file is retried in the writing thread. The
checkpoint, which waits for the disk: no commit performs it here, only that thread. Long functions: also in that thread.

A thread for all writes looks cleaner and was measured first: sqlite3 releases the interpreter's lock at every row and
gets it back only after 5 ms from a busy loop, so that one batch of 64 chats took a second under load.
"""

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import QueuePool

from beseda.core.errors import SettingsError, StorageError
from beseda.db.failure import is_passing
from beseda.db.group_commit import WriteEntry, commit_entries

T = TypeVar("T")
_READERS = 2  # for the path of a message, and as many for reads that may take long
_READ_SECONDS, _LONG_SECONDS = 10.0, 60.0
_STEPS_BETWEEN_LOOKS = 20_000  # of SQLite's machine, a millisecond or so
_BUSY_MS = 5000
# The log is folded into the database above the first size, and cut to the second when it starts over.
_LOG_BYTES = 8 * 1024 * 1024
_LOG_BYTES_KEPT = 4 * 1024 * 1024
_BATCHES_BETWEEN_LOOKS = 16


class SqliteBackend:
    """Synchronous engines, because SQLAlchemy's async layer costs forty times as much as SQLite itself."""

    def __init__(self, path: Path, *, synchronous: str) -> None:
        prepare_file(path)
        pragma = "NORMAL" if synchronous == "RECEIVED" else synchronous
        self._write_engine = _build_engine(path, begin="BEGIN IMMEDIATE", synchronous=pragma)
        self._writer = ThreadPoolExecutor(1, "sqlite-writer")
        read_engine = _build_engine(path, begin="BEGIN", synchronous=pragma)
        long_engine = _build_engine(path, begin="BEGIN", synchronous=pragma)
        self._readers = _Readers(read_engine, "sqlite-reader", _READ_SECONDS)
        self._long_readers = _Readers(long_engine, "sqlite-long-reader", _LONG_SECONDS)
        self._connection: Connection | None = None
        # With FULL each commit waits for the disk: that is the thread's business.
        self._on_loop = pragma in {"OFF", "NORMAL"}
        self._log = path.with_name(f"{path.name}-wal")
        self._batches = 0
        self._flusher = LogFlusher(self._log) if synchronous == "RECEIVED" else None

    async def connect(self) -> None:
        """Open the file and the writing connection. Raises SQLAlchemy's errors."""
        await self._in_writer(self._open_writer)

    async def run(self, entries: Sequence[WriteEntry]) -> None:
        """Commit entries. It is never called again before it has returned, so the connection has one user at a time."""
        if not (self._on_loop and self._connection is not None and entries[0].brief and self._try_at_once(entries)):
            await self._in_writer(lambda: self._write(entries))
        self._batches += 1
        if self._flusher is not None:
            self._flusher.committed += 1
        if self._batches % _BATCHES_BETWEEN_LOOKS == 0 and _read_size(self._log) > _LOG_BYTES:
            # Writes wait for it meanwhile: the log starts over only when nothing is added to it.
            await self._in_writer(self._checkpoint)

    async def read(self, work: Callable[[Connection], T], *, long: bool = False) -> T:
        """Run `work` in a reading thread, on one consistent snapshot of the data; `long` work has separate threads."""
        return await (self._long_readers if long else self._readers).run(work)

    async def flush(self) -> None:
        """Return once all committed data survives a power cut, if only some commits ensure that."""
        if self._flusher is not None:
            await self._flusher.flush()

    async def close(self) -> None:
        """Close every connection. The last one writes the log back into the database file."""
        await self._in_writer(self._close)
        self._readers.close()
        self._long_readers.close()
        self._writer.shutdown(wait=True)
        if self._flusher is not None:
            self._flusher.close()

    async def _in_writer(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writer, function)

    def _try_at_once(self, entries: Sequence[WriteEntry]) -> bool:
        """Commit entries on the event loop and return True, or return False if another process holds the lock."""
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

    def _write(self, entries: Sequence[WriteEntry]) -> None:
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

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._write_engine.dispose()


class _Readers:
    """Reading threads. A statement that takes too long is interrupted, so that the thread becomes free."""

    def __init__(self, engine: Engine, name: str, seconds: float) -> None:
        self._engine = engine
        self._threads = ThreadPoolExecutor(_READERS, name)
        self._seconds = seconds

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a thread. Raises StorageError if its statements take too long."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, work)

    def close(self) -> None:
        """End the threads and close the connections."""
        self._threads.shutdown(wait=True)
        self._engine.dispose()

    def _read(self, work: Callable[[Connection], T]) -> T:
        with self._engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - the engine's only driver
            deadline = time.monotonic() + self._seconds
            driver.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS_BETWEEN_LOOKS)
            try:
                return work(connection)
            except OperationalError as error:
                if getattr(error.orig, "sqlite_errorcode", 0) == sqlite3.SQLITE_INTERRUPT:
                    raise StorageError(f"a read of the database took longer than {self._seconds:.0f} s") from error
                raise
            finally:
                driver.set_progress_handler(None, 0)


class LogFlusher:
    """Flushes the write-ahead log to the disk, once for all waiting callers.

    A commit with synchronous=NORMAL is in the log, in the page cache. Flushing the log afterwards has the effect of
    synchronous=FULL (https://www.sqlite.org/pragma.html#pragma_synchronous) without making all other commits wait for
    the disk. SQLite holds no locks on the log, so it may be opened and closed here.
    """

    def __init__(self, log: Path) -> None:
        self._log = log
        self._thread = ThreadPoolExecutor(1, "sqlite-flusher")
        self._lock = asyncio.Lock()
        self.committed = 0
        self._flushed = 0

    async def flush(self) -> None:
        """Return once every commit so far is on the disk. Raises OSError."""
        wanted = self.committed
        async with self._lock:
            if self._flushed < wanted:
                covered = self.committed
                await asyncio.get_running_loop().run_in_executor(self._thread, self._flush)
                self._flushed = covered

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=True)

    def _flush(self) -> None:
        try:
            descriptor = os.open(self._log, os.O_RDONLY)
        except FileNotFoundError:
            return  # folded into the database, which waits for the disk
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _read_size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def find_file(url: URL) -> Path:
    """Return the file of a SQLite URL. Raises SettingsError if the URL names none."""
    if not url.database or url.database == ":memory:":
        raise SettingsError("DATABASE_URL: SQLite needs a file, as in sqlite:///data/beseda.db")
    return Path(url.database)


def prepare_file(path: Path) -> None:
    """Create the folder and the file, readable by their owner alone, because they contain people's conversations.

    Raises StorageError if that is not possible.
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


def demand_log(connection: sqlite3.Connection, path: Path) -> None:
    """Switch to write-ahead logging. Raises SettingsError if SQLite answers with another journal mode."""
    (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
    if mode != "wal":
        raise SettingsError(
            f"SQLite cannot keep its write-ahead log beside {path} (the journal mode stays {mode}): the folder is "
            "probably on a network drive. Put the database on a local disk, or use PostgreSQL"
        )


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
        demand_log(connection, path)
        for pragma in (
            f"synchronous={synchronous}",
            f"busy_timeout={_BUSY_MS}",
            "temp_store=MEMORY",
            "wal_autocheckpoint=0",
            f"journal_size_limit={_LOG_BYTES_KEPT}",
        ):
            connection.execute(f"PRAGMA {pragma}").close()
        connection.execute("PRAGMA foreign_keys=ON").close()
        if connection.execute("PRAGMA foreign_keys").fetchone() != (1,):
            raise SettingsError("this SQLite was built without foreign keys: install another build of it")

    @event.listens_for(engine, "begin")
    def begin_transaction(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine
