"""Heartbeats of processes in SQL."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Boolean, Column, Connection, Integer, Table, Text, delete, insert, select, update

from beseda.db.database import Database
from beseda.db.schema import metadata
from beseda.db.types import UtcTime
from beseda.engine.processes.model import RunningProcess

processes = Table(
    "processes",
    metadata,
    Column("name", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("version", Text, nullable=False),
    Column("slots", Text, nullable=False),  # with commas
    Column("keeps_schedule", Boolean, nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
)


_FORGOTTEN_AFTER = timedelta(days=1)


class ProcessRepository:
    """Heartbeats in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def beat(self, process: RunningProcess) -> None:
        """Store a heartbeat. This is a write, so it fails if the database is read-only. Raises StorageError."""
        await self._database.write(partial(_beat, process=process))

    async def leave(self, name: str) -> None:
        """Delete the row of a process that ends. Raises StorageError."""
        statement = delete(processes).where(processes.c.name == name)
        await self._database.write(lambda connection: _run(connection, statement))

    async def list(self, since: datetime) -> Sequence[RunningProcess]:
        """Return the processes seen since then, oldest first. Raises StorageError."""
        query = select(processes).where(processes.c.seen_at >= since).order_by(processes.c.started_at, processes.c.name)

        def work(connection: Connection) -> Sequence[RunningProcess]:
            rows = connection.execute(query).mappings()
            return [RunningProcess(**{**row, "slots": tuple(filter(None, row["slots"].split(",")))}) for row in rows]

        return await self._database.read(work)


def _beat(connection: Connection, process: RunningProcess) -> None:
    row = {**asdict(process), "slots": ",".join(process.slots)}
    found = connection.execute(update(processes).where(processes.c.name == process.name).values(seen_at=row["seen_at"]))
    if not found.rowcount:
        connection.execute(delete(processes).where(processes.c.seen_at < process.seen_at - _FORGOTTEN_AFTER))
        connection.execute(insert(processes).values(row))


def _run(connection: Connection, statement: object) -> None:
    connection.execute(statement)  # type: ignore[call-overload]
