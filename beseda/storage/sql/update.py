"""The inbox."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    bindparam,
    case,
    delete,
    null,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.sql.dml import Update

from beseda import metrics
from beseda.domain.update import StoredUpdate
from beseda.kit.clock import Clock, SystemClock
from beseda.storage.base.update import EVERYWHERE, Look
from beseda.storage.sql.database import Database
from beseda.storage.sql.statement import InsertFactory, Params, Query, Rank, Statement
from beseda.storage.sql.tables.update import updates

_PURGE_CHUNK = 2000
_COLUMNS = ("bot", "update_id", "payload", "turn_id", "received_at", "partition")


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
        .values({name: bindparam(name) for name in _COLUMNS})
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

    async def store(self, updates: Sequence[StoredUpdate], *, earlier: Collection[int] = ()) -> list[StoredUpdate]:
        """Store what is new, in one transaction, and return it in order; repeated updates are left out.

        Before it stand the unfinished updates of the parts in `earlier` with lower numbers.
        """
        if not updates:
            return []
        now = self._clock.now()
        rows = [(_store_update, _update_params(item, now)) for item in updates]

        def look(connection: Connection) -> tuple[set[tuple[str, int]], list[StoredUpdate]]:
            ours = _find_ours(connection, updates, now)
            return ours, _find_earlier(connection, updates, earlier) if earlier else []

        ours, before = await self._database.write_and_read(rows, look)
        for bot, _ in ours:
            metrics.updates(bot)
        # A dictionary keeps the order and drops what came twice in one batch.
        new = {(item.bot, item.update_id): item for item in updates if (item.bot, item.update_id) in ours}
        return [*(item for item in before if (item.bot, item.update_id) not in ours), *new.values()]

    async def finish(self, bot: str, update_ids: Sequence[int]) -> None:
        """Mark updates as worked off; their payload is dropped, their number stays for de-duplication."""
        now = self._clock.now()
        await self._database.write_rows(
            [(finish_updates, {"of_bot": bot, "of_update": number, "at": now}) for number in update_ids]
        )

    async def unfinished(
        self, bot: str, *, limit: int = 1000, after: int | None = None, look: Look = EVERYWHERE
    ) -> list[StoredUpdate]:
        """Return updates not yet worked off, in order: our own, then Telegram's, each oldest first.

        With `after`, those that stand behind that one.
        """
        query = _unfinished(bot).limit(limit)
        if after is not None:
            number = updates.c.update_id
            query = query.where(number > after if after >= 0 else or_(number < after, number >= 0))
        if look.partitions is not None:
            query = query.where(updates.c.partition.in_(sorted(look.partitions)))
        if look.before is not None:
            query = query.where(updates.c.received_at < look.before)
        return await self._database.read(lambda connection: _load(connection, bot, query))

    async def find(self, bot: str, update_id: int) -> StoredUpdate | None:
        """Return an update that is not worked off yet, or None."""
        query = _unfinished(bot).where(updates.c.update_id == update_id)
        found = await self._database.read(lambda connection: _load(connection, bot, query))
        return found[0] if found else None

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
        "partition": item.partition,
    }


def _in_order() -> tuple[ColumnElement[Any], ...]:
    # Numbers of our own go down as time goes by.
    number = updates.c.update_id
    return (number >= 0, case((number < 0, -number), else_=number))


def _unfinished(bot: str) -> Select[Any]:
    columns = (updates.c.update_id, updates.c.payload, updates.c.turn_id, updates.c.partition)
    return select(*columns).where(updates.c.bot == bot, updates.c.finished_at.is_(None)).order_by(*_in_order())


def _load(connection: Connection, bot: str, query: Select[Any]) -> list[StoredUpdate]:
    rows: Sequence[Row[Any]] = connection.execute(query).all()
    return [StoredUpdate(bot, row.update_id, row.payload or b"", row.turn_id, row.partition) for row in rows]


def _find_earlier(
    connection: Connection, items: Sequence[StoredUpdate], partitions: Collection[int]
) -> list[StoredUpdate]:
    """Return what stands unfinished before these updates in the same parts, those of one bot at a time."""
    found: list[StoredUpdate] = []
    for bot in {item.bot for item in items}:
        for partition in sorted({item.partition for item in items if item.bot == bot} & set(partitions)):
            highest = max(item.update_id for item in items if (item.bot, item.partition) == (bot, partition))
            query = _unfinished(bot).where(updates.c.partition == partition, updates.c.update_id < highest)
            found += _load(connection, bot, query)
    return found


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
