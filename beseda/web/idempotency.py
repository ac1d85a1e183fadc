"""Idempotency records: the stored responses to requests with an idempotency key, and the task that deletes them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import orjson
from sqlalchemy import ColumnElement, Connection, and_, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from beseda.core.clock import Clock
from beseda.db.database import Database
from beseda.engine.jobs.base import JobControl, JobHandler
from beseda.engine.jobs.model import Job
from beseda.engine.jobs.schedule import Scheduled
from beseda.web.tables import idempotency_records as records

SCHEDULE = (Scheduled("answer.tidy", every=timedelta(hours=1), slot="light"),)
# The draft leaves the time to the server; Stripe, which clients know, keeps its keys for a day:
# https://docs.stripe.com/api/idempotent_requests.
KEPT = timedelta(hours=24)
# A request without a response by then died with its process.
_ABANDONED_AFTER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """A request that may be repeated: the id of its API key, its idempotency key, and a hash of its content."""

    key_id: int
    idempotency_key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class IdempotencyRecord:
    """The stored response to the first request with an idempotency key; `status` is 0 until it is complete."""

    fingerprint: str
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class IdempotencyRepository:
    """Idempotency records in SQL. Every method raises StorageError if the database fails."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def claim(self, request: IdempotentRequest) -> IdempotencyRecord | None:
        """Return the stored record of the request, or None if it is new and now marked as in progress."""
        now = self._clock.now()
        return await self._database.write(lambda connection: _claim(connection, request, now))

    async def complete(self, request: IdempotentRequest, record: IdempotencyRecord) -> None:
        """Store the response to a claimed request."""
        values = {"status": record.status, "headers": orjson.dumps(dict(record.headers)).decode(), "body": record.body}
        change = update(records).where(_is(request)).values(values)
        await self._database.write(lambda connection: connection.execute(change))

    async def release(self, request: IdempotentRequest) -> None:
        """Delete a claim: the request changed nothing, and may be repeated."""
        change = delete(records).where(_is(request), records.c.status.is_(None))
        await self._database.write(lambda connection: connection.execute(change))

    async def purge(self, before: datetime) -> int:
        """Delete the records stored before then and return their number."""
        change = delete(records).where(records.c.created_at < before)
        return await self._database.write(lambda connection: connection.execute(change).rowcount)


def tasks(store: IdempotencyRepository, clock: Clock) -> Mapping[str, JobHandler]:
    """Return the handler that deletes expired records."""

    async def tidy(_job: Job, _control: JobControl) -> Mapping[str, object]:
        return {"answers": await store.purge(clock.now() - KEPT)}

    return {"answer.tidy": tidy}


def _is(request: IdempotentRequest) -> ColumnElement[bool]:
    return and_(records.c.key_id == request.key_id, records.c.idempotency_key == request.idempotency_key)


def _claim(connection: Connection, request: IdempotentRequest, now: datetime) -> IdempotencyRecord | None:
    is_abandoned = and_(records.c.status.is_(None), records.c.created_at < now - _ABANDONED_AFTER)
    is_expired = or_(records.c.created_at < now - KEPT, is_abandoned)
    connection.execute(delete(records).where(_is(request), is_expired))
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    claimed = connection.execute(
        dialect.insert(records)
        .values(
            key_id=request.key_id,
            idempotency_key=request.idempotency_key,
            fingerprint=request.fingerprint,
            headers="{}",
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["key_id", "idempotency_key"])
        .returning(records.c.key_id)
    ).first()
    if claimed is not None:
        return None
    row = connection.execute(select(records).where(_is(request))).one()
    return IdempotencyRecord(row.fingerprint, row.status or 0, orjson.loads(row.headers), row.body or b"")
