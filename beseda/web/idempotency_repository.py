"""Stored answers for repeated requests (idempotency records)."""

from datetime import datetime, timedelta

import orjson
from sqlalchemy import ColumnElement, Connection, and_, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from beseda.core.clock import Clock
from beseda.db.database import Database
from beseda.features.api_keys.tables import kept_answers
from beseda.web.idempotency_record import KEPT, KeptAnswer, Repeatable

_PATIENCE = timedelta(minutes=1)  # what has not been answered by then died with its process


class KeptAnswerRepository:
    """Answers in SQL. Every method raises StorageError if the database rejects the work or is unavailable."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def claim(self, request: Repeatable) -> KeptAnswer | None:
        """Return the stored answer for the request, or None if it is new and now marked as in progress."""
        now = self._clock.now()
        return await self._database.write(lambda connection: _claim(connection, request, now))

    async def keep(self, request: Repeatable, answer: KeptAnswer) -> None:
        """Store the answer of a claimed request."""
        values = {"status": answer.status, "headers": orjson.dumps(dict(answer.headers)).decode(), "body": answer.body}
        change = update(kept_answers).where(_is(request)).values(values)
        await self._database.write(lambda connection: connection.execute(change))

    async def release(self, request: Repeatable) -> None:
        """Delete a claim: the request changed nothing, and may be repeated."""
        change = delete(kept_answers).where(_is(request), kept_answers.c.status.is_(None))
        await self._database.write(lambda connection: connection.execute(change))

    async def purge(self, before: datetime) -> int:
        """Delete the answers stored before then and return their number."""
        change = delete(kept_answers).where(kept_answers.c.created_at < before)
        return await self._database.write(lambda connection: connection.execute(change).rowcount)


def _is(request: Repeatable) -> ColumnElement[bool]:
    return and_(kept_answers.c.key_id == request.key_id, kept_answers.c.idempotency_key == request.idempotency_key)


def _claim(connection: Connection, request: Repeatable, now: datetime) -> KeptAnswer | None:
    forgotten = and_(kept_answers.c.status.is_(None), kept_answers.c.created_at < now - _PATIENCE)
    connection.execute(delete(kept_answers).where(_is(request), or_(kept_answers.c.created_at < now - KEPT, forgotten)))
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    claimed = connection.execute(
        dialect.insert(kept_answers)
        .values(
            key_id=request.key_id,
            idempotency_key=request.idempotency_key,
            fingerprint=request.fingerprint,
            headers="{}",
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["key_id", "idempotency_key"])
        .returning(kept_answers.c.key_id)
    ).first()
    if claimed is not None:
        return None
    row = connection.execute(select(kept_answers).where(_is(request))).one()
    return KeptAnswer(row.fingerprint, row.status or 0, orjson.loads(row.headers), row.body or b"")
