"""The inbox."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, null, select, tuple_, update
from sqlalchemy.sql.dml import Update

from beseda import metrics
from beseda.domain.update import StoredUpdate
from beseda.kit.clock import Clock, SystemClock
from beseda.storage.sql.database import Database
from beseda.storage.sql.statement import InsertFactory, Params, Query, Rank, Statement
from beseda.storage.sql.tables.update import updates

_PURGE_CHUNK = 2000


def _finish_updates(_insert: InsertFactory) -> Update:
    return (
        update(updates)
        .where(updates.c.bot == bindparam("of_bot"), updates.c.update_id == bindparam("of_update"))
        .values(finished_at=bindparam("at"), payload=null())
    )


finish_updates = Statement(Rank.UPDATE_END, _finish_updates)
_store_update = Statement(
    Rank.UPDATE,
    lambda insert: (
        insert(updates)
        .values({name: bindparam(name) for name in ("bot", "update_id", "payload", "turn_id", "received_at")})
        .on_conflict_do_nothing(index_elements=["bot", "update_id"])
    ),
)
_find_stored_at = Query(
    select(updates.c.update_id).where(
        updates.c.bot == bindparam("of_bot"),
        updates.c.update_id.between(bindparam("low"), bindparam("high")),
        updates.c.received_at == bindparam("at"),
    )
)


class SqlUpdateRepository:
    """Updates in SQL."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()

    async def store(self, updates: Sequence[StoredUpdate]) -> list[StoredUpdate]:
        """Store what is new, in one transaction, and return it in order; repeated updates are left out."""
        if not updates:
            return []
        now = self._clock.now()
        rows = [(_store_update, _update_params(item, now)) for item in updates]
        ours = await self._database.write_and_read(rows, lambda connection: _find_ours(connection, updates, now))
        for bot, _ in ours:
            metrics.updates(bot)
        # A dictionary keeps the order and drops what came twice in one batch.
        return list(
            {(item.bot, item.update_id): item for item in updates if (item.bot, item.update_id) in ours}.values()
        )

    async def finish(self, bot: str, update_ids: Sequence[int]) -> None:
        """Mark updates as worked off; their payload is dropped, their number stays for de-duplication."""
        now = self._clock.now()
        await self._database.write_rows(
            [(finish_updates, {"of_bot": bot, "of_update": number, "at": now}) for number in update_ids]
        )

    async def unfinished(self, bot: str, *, limit: int = 1000, after: int = 0) -> list[StoredUpdate]:
        """Return updates not yet worked off with a number above `after`, oldest first."""
        query = (
            select(updates.c.update_id, updates.c.payload, updates.c.turn_id)
            .where(updates.c.bot == bot, updates.c.finished_at.is_(None), updates.c.update_id > after)
            .order_by(updates.c.update_id)
            .limit(limit)
        )
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [StoredUpdate(bot, row.update_id, row.payload or b"", row.turn_id) for row in rows]

    async def purge(self, before: datetime) -> int:
        """Delete finished updates received before then and return how many."""
        total = 0
        while True:
            # In pieces: what people write meanwhile goes in between.
            count = await self._database.write(lambda connection: _purge_chunk(connection, before))
            total += count
            if count < _PURGE_CHUNK:
                return total


def _update_params(item: StoredUpdate, now: datetime) -> Params:
    return {
        "bot": item.bot,
        "update_id": item.update_id,
        "payload": item.payload,
        "turn_id": item.turn_id,
        "received_at": now,
    }


def _find_ours(connection: Connection, items: Sequence[StoredUpdate], now: datetime) -> set[tuple[str, int]]:
    """Return the places of those updates that were stored just now.

    They bear our time, to the microsecond. So the answer is the same when a commit whose reply got lost is repeated:
    counting inserted rows would then call every update an old one, and nobody would answer it.
    """
    ours: set[tuple[str, int]] = set()
    for bot in {item.bot for item in items}:
        numbers = [item.update_id for item in items if item.bot == bot]
        params = {"of_bot": bot, "low": min(numbers), "high": max(numbers), "at": now}
        ours.update((bot, row[0]) for row in _find_stored_at.fetch(connection, params))
    return ours


def _purge_chunk(connection: Connection, before: datetime) -> int:
    place = tuple_(updates.c.bot, updates.c.update_id)
    old = (
        select(updates.c.bot, updates.c.update_id)
        .where(updates.c.finished_at.is_not(None), updates.c.received_at < before)
        .limit(_PURGE_CHUNK)
    )
    return connection.execute(delete(updates).where(place.in_(old))).rowcount
