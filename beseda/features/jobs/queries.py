"""Lists of jobs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, literal, select, tuple_

from beseda.db.database import Database
from beseda.db.paging import written
from beseda.engine.jobs.tables import jobs
from beseda.features.jobs.model import JobFilter, JobLine

_PLACE = (jobs.c.created_at, jobs.c.id)
_lines = select(*(jobs.c[name] for name in JobLine._fields))


class JobList:
    """Jobs in SQL. Every method raises StorageError if the database rejects the work or is unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, wanted: JobFilter, *, limit: int, offset: int = 0, before: tuple[datetime, int] | None = None
    ) -> list[JobLine]:
        """Return jobs, newest first; `before` is the creation time and number of the previous page's last one."""
        # Numbers of scheduled jobs and reports are hashes: their order is not that of the time.
        query = _lines.where(*_conditions(wanted)).order_by(jobs.c.created_at.desc(), jobs.c.id.desc())
        query = query.limit(written(limit))
        if before is None:
            query = query.offset(written(offset))
        else:
            last = tuple_(*(literal(value, column.type) for value, column in zip(before, _PLACE, strict=True)))
            query = query.where(tuple_(*_PLACE) < last)
        return [_load(row) for row in await self._fetch(query)]

    async def count(self, wanted: JobFilter) -> int:
        """Return the number of jobs that match the filter."""
        query = select(func.count()).select_from(jobs).where(*_conditions(wanted))
        return await self._database.read_long(lambda connection: connection.execute(query).scalar_one())

    async def find(self, job_id: int) -> JobLine | None:
        """Return a job, or None."""
        rows = await self._fetch(_lines.where(jobs.c.id == job_id))
        return _load(rows[0]) if rows else None

    async def _fetch(self, query: Select[Any]) -> list[Row[Any]]:
        return list(await self._database.read_long(lambda connection: connection.execute(query).all()))


def _conditions(wanted: JobFilter) -> list[ColumnElement[bool]]:
    columns = ("bot", "user_id", "state", "kind")
    return [jobs.c[name] == value for name in columns if (value := getattr(wanted, name)) is not None]


def _load(row: Sequence[Any]) -> JobLine:
    return JobLine._make(row)
