"""The path of a message shares nothing of the database with work of unbounded length."""

import asyncio
import logging
import os
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from beseda.core.errors import SettingsError, StorageError
from beseda.db import migrate, sqlite
from beseda.db.database import Database
from beseda.db.group_commit import GroupWriter, WriteEntry
from beseda.db.sqlite import demand_log
from beseda.engine.updates.model import StoredUpdate
from beseda.engine.updates.repository import UpdateRepository
from tests.contract.storage.world import BOT
from tests.parts.waiting import eventually

_ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :most) SELECT count(*) FROM n"


def _count(connection: Connection, most: int) -> int:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_sleep(:seconds)"), {"seconds": most})
        return most
    return int(connection.execute(text(_ENDLESS), {"most": most * 2_000_000}).scalar_one())


async def test_long_reads_hold_up_no_short_one(database: Database) -> None:
    long = [asyncio.create_task(database.read_long(lambda connection: _count(connection, 2))) for _ in range(12)]
    await asyncio.sleep(0)
    slowest = 0.0
    while not any(task.done() for task in long):
        begun = time.monotonic()
        await database.read(lambda connection: connection.execute(text("SELECT 1")).scalar())
        slowest = max(slowest, time.monotonic() - begun)
        await asyncio.sleep(0)
    assert slowest < 0.5
    for task in long:
        task.cancel()
    await asyncio.gather(*long, return_exceptions=True)


@pytest.mark.parametrize("long", [False, True])
async def test_a_read_that_takes_too_long_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, long: bool
) -> None:
    monkeypatch.setattr(sqlite, "_LONG_SECONDS" if long else "_READ_SECONDS", 0.2)
    database = await Database.open(f"sqlite:///{tmp_path}/beseda.db")
    read = database.read_long if long else database.read
    with pytest.raises(StorageError, match="longer than"):
        await read(lambda connection: _count(connection, 1000))
    assert await read(lambda connection: connection.execute(text("SELECT 1")).scalar()) == 1
    await database.close()


async def test_updates_dropped_at_telegram_are_flushed_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path}/beseda.db"
    await migrate.upgrade(url)
    flushed: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda _descriptor: flushed.append(_stored(tmp_path)))
    for synchronous, wanted in (("RECEIVED", [1]), ("NORMAL", [])):
        database = await Database.open(url, synchronous=synchronous)  # type: ignore[arg-type]  # one of the two
        flushed.clear()
        await UpdateRepository(database).store([StoredUpdate(BOT, len(synchronous), b"{}")])
        assert flushed == wanted
        await database.close()


async def test_one_flush_serves_all_waiting_callers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path}/beseda.db"
    await migrate.upgrade(url)
    database = await Database.open(url, synchronous="RECEIVED")
    flushes = 0

    def flush(_descriptor: int) -> None:
        nonlocal flushes
        flushes += 1
        time.sleep(0.02)

    monkeypatch.setattr(os, "fsync", flush)
    store = UpdateRepository(database)
    await asyncio.gather(*(store.store([StoredUpdate(BOT, number, b"{}")]) for number in range(1, 201)))
    assert 1 <= flushes <= 20
    await database.close()


async def test_a_flush_that_fails_is_reported_to_the_caller_that_acknowledges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/beseda.db"
    await migrate.upgrade(url)
    database = await Database.open(url, synchronous="RECEIVED")

    def fail(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StorageError):
        await UpdateRepository(database).store([StoredUpdate(BOT, 1, b"{}")])
    await database.close()


def test_a_folder_without_a_write_ahead_log_is_named(tmp_path: Path) -> None:
    path = tmp_path / "beseda.db"
    # A file system without shared memory, as network drives are: this way of locking has none either.
    connection = sqlite3.connect(f"file:{path}?vfs=unix-dotfile", uri=True)
    connection.execute("CREATE TABLE t (n)")
    with pytest.raises(SettingsError, match="local disk"):
        demand_log(connection, path)
    connection.close()


async def test_check_of_a_database_switches_its_write_ahead_log_on(tmp_path: Path) -> None:
    path = tmp_path / "beseda.db"
    await migrate.upgrade(f"sqlite:///{path}")
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=DELETE")
    connection.close()
    assert await migrate.check(f"sqlite:///{path}") == []  # it can be had, and is switched on
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


class Backend:
    """A writing connection that is away while `away` is set, and notes what it wrote."""

    def __init__(self) -> None:
        self.away = False
        self.tries = 0
        self.written: list[bool] = []

    async def run(self, entries: Sequence[WriteEntry]) -> None:
        self.tries += 1
        await asyncio.sleep(0)
        if self.away:
            raise OperationalError("", {}, ConnectionResetError("away"), connection_invalidated=True)
        for entry in entries:
            entry.settled = True
            self.written.append(entry.brief)


async def test_entries_past_their_time_fail_without_a_try() -> None:
    backend = Backend()
    writer = GroupWriter(backend.run, patience=0.2)
    backend.away = True
    waiting = [asyncio.create_task(writer.submit(())) for _ in range(5000)]
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(result, StorageError) for result in results)
    assert backend.tries < 12  # of the first batch alone; forty batches waited behind it
    backend.away = False
    await writer.submit(())
    await writer.close()


async def test_a_long_entry_does_not_wait_for_urgent_ones_without_end() -> None:
    backend = Backend()
    writer = GroupWriter(backend.run, patience=5)
    stop = asyncio.Event()

    async def hurry() -> None:
        while not stop.is_set():
            await writer.submit((), urgent=True)

    hurrying = [asyncio.create_task(hurry()) for _ in range(3)]
    async with asyncio.timeout(2):
        await writer.submit((), brief=False)
        await writer.submit(())
    stop.set()
    await asyncio.gather(*hurrying)
    await writer.close()


async def test_a_brief_entry_passes_long_ones() -> None:
    backend = Backend()
    writer = GroupWriter(backend.run, patience=5)
    await asyncio.gather(*(writer.submit((), brief=number % 2 == 1) for number in range(6)))
    assert backend.written == [True, True, True, False, False, False]
    await writer.close()


async def test_begin_and_end_of_an_outage_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    backend = Backend()
    writer = GroupWriter(backend.run, patience=10)
    backend.away = True
    waiting = asyncio.create_task(writer.submit(()))

    async def has_failed() -> bool:
        return backend.tries >= 3

    await eventually(has_failed)
    backend.away = False
    await waiting
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "the database is back after" in caplog.text
    await writer.close()


def _stored(folder: Path) -> int:
    connection = sqlite3.connect(folder / "beseda.db")
    (found,) = connection.execute("SELECT count(*) FROM updates").fetchone()
    connection.close()
    return int(found)
