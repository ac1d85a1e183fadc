"""SQLite: one thread writes, a few read beside it (WAL)."""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.pool import QueuePool

from beseda.errors import SettingsError, StorageError
from beseda.storage.sql.uow import Entry, commit_entries

T = TypeVar("T")
_READERS = 2
_BUSY_MS = 5000


class SqliteBackend:
    """Sync engines in threads of their own: SQLAlchemy's async layer costs forty times what SQLite does."""

    def __init__(self, path: Path, *, synchronous: str) -> None:
        prepare_file(path)
        self._write_engine = _build_engine(path, begin="BEGIN IMMEDIATE", synchronous=synchronous)
        self._read_engine = _build_engine(path, begin="BEGIN", synchronous=synchronous)
        self._writer = ThreadPoolExecutor(1, "sqlite-writer")
        self._readers = ThreadPoolExecutor(_READERS, "sqlite-reader")
        self._connection: Connection | None = None

    async def connect(self) -> None:
        """Open the file and keep the writing connection. Raises sqlalchemy's errors."""
        await asyncio.get_running_loop().run_in_executor(self._writer, self._open_writer)

    async def run(self, entries: Sequence[Entry]) -> None:
        """Commit entries in the writing thread."""
        await asyncio.get_running_loop().run_in_executor(self._writer, self._write, entries)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a reading thread, on one consistent view of the data."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    async def close(self) -> None:
        """Close every connection; the last one folds the write-ahead log into the file."""
        await asyncio.get_running_loop().run_in_executor(self._writer, self._close)
        self._readers.shutdown(wait=True)
        self._writer.shutdown(wait=True)

    def _open_writer(self) -> Connection:
        self._connection = self._write_engine.connect()
        return self._connection

    def _write(self, entries: Sequence[Entry]) -> None:
        commit_entries(self._connection or self._open_writer(), entries)

    def _read(self, work: Callable[[Connection], T]) -> T:
        with self._read_engine.connect() as connection:
            return work(connection)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._write_engine.dispose()
        self._read_engine.dispose()


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
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin_transaction(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine
