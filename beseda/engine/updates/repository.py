"""The inbox."""

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

import orjson
from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    any_,
    bindparam,
    case,
    delete,
    func,
    null,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.sql.dml import Update

from beseda.core import metrics
from beseda.core.background_pace import BackgroundPace
from beseda.core.chat import ChatKey
from beseda.core.clock import Clock, SystemClock
from beseda.db.database import Database
from beseda.db.statement import InsertFactory, Params, Query, Rank, Statement
from beseda.db.types import UtcTime
from beseda.engine.updates.model import StoredUpdate, Tries, move_content, partition_of, queue_of
from beseda.engine.updates.tables import updates


@dataclass(frozen=True, slots=True)
class Look:
    """Selection of unfinished updates: by shards (None: all), by one queue, or all queues except `without`.

    Updates stored before queues existed belong to every queue.
    """

    partitions: Collection[int] | None = None
    queue: str = ""
    without: Collection[str] = ()


EVERYWHERE = Look()

_EARLIER = 100  # of a queue: as many as one holds in memory
_PURGE_CHUNK = 2000
_TIME = UtcTime()
_COLUMNS = (
    *("bot", "update_id", "payload", "turn_id", "received_at", "finished_at", "partition"),
    *("queue_key", "tries", "failures", "evidence", "message_id", "message_box"),
)


def _finish_updates(_insert: InsertFactory) -> Update:
    return (
        update(updates)
        .where(updates.c.bot == bindparam("of_bot"), updates.c.update_id == bindparam("of_update"))
        .values(finished_at=bindparam("at"), payload=null())
    )


def _note_tries(_insert: InsertFactory) -> Update:
    # The numbers themselves, not one more: a commit whose answer got lost is repeated.
    return (
        update(updates)
        .where(updates.c.bot == bindparam("of_bot"), updates.c.update_id == bindparam("of_update"))
        .values(tries=bindparam("begun"), failures=bindparam("failed"), evidence=bindparam("seen"))
    )


_update_tries = Statement(Rank.UPDATE_TRIES, _note_tries)
finish_updates = Statement(Rank.UPDATE_END, _finish_updates)
_store_update = Statement(
    Rank.UPDATE,
    lambda insert: (
        insert(updates)
        .values({name: bindparam(name) for name in _COLUMNS})
        .on_conflict_do_nothing(index_elements=["bot", "update_id"])
    ),
)


def _is_among(column: Column[Any], name: str, dialect: str) -> ColumnElement[bool]:
    """Return the condition that a column has one of the values of one parameter.

    The statement is the same for any number of values.
    """
    if dialect == "postgresql":
        return column == any_(bindparam(name, type_=ARRAY(column.type)))
    return column.in_(select(func.json_each(bindparam(name)).table_valued("value").c.value))


_find_times = {
    dialect: Query(
        select(updates.c.update_id, updates.c.received_at).where(
            updates.c.bot == bindparam("of_bot"), _is_among(updates.c.update_id, "numbers", dialect)
        )
    )
    for dialect in ("sqlite", "postgresql")
}
_find_waiting = {
    dialect: Query(
        select(updates.c.queue_key, updates.c.update_id)
        .where(
            updates.c.bot == bindparam("of_bot"),
            updates.c.finished_at.is_(None),
            _is_among(updates.c.queue_key, "numbers", dialect),
        )
        .order_by(updates.c.update_id)
    )
    for dialect in ("sqlite", "postgresql")
}
_Place: TypeAlias = tuple[str, int]
_Value = TypeVar("_Value", int, str)


class UpdateRepository:
    """Updates in SQL."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()

    async def store(
        self, updates: Sequence[StoredUpdate], *, earlier: Collection[str] = (), known: Container[int] = ()
    ) -> list[StoredUpdate]:
        """Store updates in one transaction and return the new ones in order; repeated updates are left out.

        Updates with `done` set are stored as finished.

        The result begins with the unfinished updates of the queues in `earlier` that have lower numbers and are not in
        `known`, at most a hundred of each queue.
        """
        if not updates:
            return []
        now = self._clock.now()
        rows = [(_store_update, _update_params(item, now)) for item in updates]

        arrival = _Arrival(updates, now, frozenset(earlier), known)
        ours, before = await self._database.write_and_look(rows, _look_around, arrival, durable=True)
        for bot, _ in ours:
            metrics.updates(bot)
        # A dictionary keeps the order and drops what came twice in one batch.
        new = {(item.bot, item.update_id): item for item in updates if (item.bot, item.update_id) in ours}
        return [*(item for item in before if (item.bot, item.update_id) not in ours), *new.values()]

    async def note_tries(self, bot: str, tries: Mapping[int, Tries]) -> None:
        """Store the number of started and failed attempts on updates, by their numbers."""
        await self._database.write_rows(
            [
                (_update_tries, {"of_bot": bot, "of_update": number, **_name_counts(count)})
                for number, count in tries.items()
            ]
        )

    async def finish(self, bot: str, update_ids: Sequence[int]) -> None:
        """Mark updates as processed. Their payload is deleted; their number stays for deduplication."""
        now = self._clock.now()
        await self._database.write_rows(
            [(finish_updates, {"of_bot": bot, "of_update": number, "at": now}) for number in update_ids]
        )

    async def unfinished(
        self, bot: str, *, limit: int = 1000, after: int | None = None, look: Look = EVERYWHERE
    ) -> list[StoredUpdate]:
        """Return unprocessed updates in order: internal ones, then Telegram's, each oldest first.

        With `after`, return those behind that one.
        """
        query = _unfinished(bot).limit(limit)
        if after is not None:
            number = updates.c.update_id
            query = query.where(number > after if after >= 0 else or_(number < after, number >= 0))
        if look.partitions is not None:
            query = query.where(updates.c.partition.in_(sorted(look.partitions)))
        queue = updates.c.queue_key
        if look.queue:
            query = query.where(or_(queue == look.queue, queue.is_(None)))
        if look.without:
            query = query.where(or_(queue.not_in(sorted(look.without)), queue.is_(None)))
        return await self._database.read(lambda connection: _load(connection, bot, query))

    async def find(self, bot: str, update_id: int) -> StoredUpdate | None:
        """Return an unprocessed update, or None."""
        query = _unfinished(bot).where(updates.c.update_id == update_id)
        found = await self._database.read(lambda connection: _load(connection, bot, query))
        return found[0] if found else None

    async def purge(self, before: datetime) -> int:
        """Delete finished updates received before then and return their number."""
        total, pace = 0, BackgroundPace()
        while True:
            # In pieces: what people write meanwhile goes in between.
            count = await self._database.write(lambda connection: _purge_chunk(connection, before))
            total += count
            if count < _PURGE_CHUNK:
                return total
            await pace.pause()


def _update_params(item: StoredUpdate, now: datetime) -> Params:
    return {
        "bot": item.bot,
        "update_id": item.update_id,
        "payload": None if item.done else item.payload,
        "turn_id": item.turn_id,
        "received_at": now,
        "finished_at": now if item.done else None,
        "partition": item.partition,
        "queue_key": item.queue or None,
        "tries": item.tries.begun,
        "failures": item.tries.failed,
        "evidence": item.tries.evidence,
        "message_id": item.message_id,
        "message_box": item.message_box,
    }


def _name_counts(count: Tries) -> Params:
    return {"begun": count.begun, "failed": count.failed, "seen": count.evidence}


def _in_order() -> tuple[ColumnElement[Any], ...]:
    # Numbers of our own go down as time goes by.
    number = updates.c.update_id
    return (number >= 0, case((number < 0, -number), else_=number))


def _unfinished(bot: str) -> Select[Any]:
    row = updates.c
    columns = (row.update_id, row.payload, row.turn_id, row.partition, row.queue_key)
    return (
        select(*columns, row.tries, row.failures, row.evidence)
        .where(updates.c.bot == bot, updates.c.finished_at.is_(None))
        .order_by(*_in_order())
    )


def _load(connection: Connection, bot: str, query: Select[Any]) -> list[StoredUpdate]:
    rows: Sequence[Row[Any]] = connection.execute(query).all()
    return [
        StoredUpdate(
            bot,
            row.update_id,
            row.payload or b"",
            row.turn_id,
            row.partition,
            row.queue_key or "",
            Tries(row.tries, row.failures, row.evidence),
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class _Arrival:
    """Updates that one caller stores at `now`, and the queues of which it wants the earlier updates."""

    updates: Sequence[StoredUpdate]
    now: datetime
    earlier: frozenset[str]
    known: Container[int]

    def take_ours(self, stored: Mapping[_Place, datetime | None]) -> set[_Place]:
        """Return the keys of the updates that were stored by this call.

        Their rows have this call's time, to the microsecond. So the result is the same when a commit is repeated
        because its answer was lost: by the number of inserted rows every update would then count as old, and none would
        be answered.
        """
        places = {(item.bot, item.update_id) for item in self.updates}
        return {place for place in places if stored.get(place) == self.now}

    def highest(self) -> dict[tuple[str, str], int]:
        """Return the highest number stored in each of the queues in `earlier`, by bot and queue."""
        found: dict[tuple[str, str], int] = {}
        for item in self.updates:
            if item.queue in self.earlier:
                queue = (item.bot, item.queue)
                found[queue] = max(item.update_id, found.get(queue, item.update_id))
        return found


def _look_around(connection: Connection, arrivals: Sequence[_Arrival]) -> list[tuple[set[_Place], list[StoredUpdate]]]:
    """Return for each arrival its new updates, and the earlier updates of the queues it asks for."""
    stored: dict[_Place, datetime | None] = {}
    for bot, numbers in _group((item.bot, item.update_id) for arrival in arrivals for item in arrival.updates).items():
        for row in _fetch(connection, _find_times, bot, numbers):
            stored[bot, row[0]] = _TIME.process_result_value(row[1], connection.dialect)
    waiting = _list_waiting(connection, [arrival.highest() for arrival in arrivals])
    return [(arrival.take_ours(stored), _find_earlier(connection, arrival, waiting)) for arrival in arrivals]


def _fetch(
    connection: Connection, queries: Mapping[str, Query], bot: str, numbers: Sequence[int] | Sequence[str]
) -> Sequence[Sequence[Any]]:
    dialect = connection.dialect.name
    listed = numbers if dialect == "postgresql" else orjson.dumps(numbers).decode()
    return queries[dialect].fetch(connection, {"of_bot": bot, "numbers": listed})


def _group(pairs: Iterable[tuple[str, _Value]]) -> dict[str, list[_Value]]:
    groups: dict[str, set[_Value]] = {}
    for bot, number in pairs:
        groups.setdefault(bot, set()).add(number)
    return {bot: sorted(numbers) for bot, numbers in groups.items()}


def _list_waiting(
    connection: Connection, wanted: Sequence[Mapping[tuple[str, str], int]]
) -> dict[tuple[str, str], list[int]]:
    """Return the unfinished numbers in each wanted queue, in order. Their content is not read: most are known."""
    found: dict[tuple[str, str], list[int]] = {}
    for bot, queues in _group(queue for highest in wanted for queue in highest).items():
        for row in _fetch(connection, _find_waiting, bot, queues):
            found.setdefault((bot, row[0]), []).append(row[1])
    return found


def _find_earlier(
    connection: Connection, arrival: _Arrival, waiting: Mapping[tuple[str, str], list[int]]
) -> list[StoredUpdate]:
    found: list[StoredUpdate] = []
    for (bot, queue), highest in sorted(arrival.highest().items()):
        numbers = [number for number in waiting.get((bot, queue), ()) if number < highest]
        if unknown := [number for number in numbers if number not in arrival.known][:_EARLIER]:
            found += _load(connection, bot, _unfinished(bot).where(updates.c.update_id.in_(unknown)))
    return found


# Under `name@id`: of an account that the bot had before (`beseda.engine.bot_accounts`).
_is_set_aside = updates.c.bot.like("%@%")


def _purge_chunk(connection: Connection, before: datetime) -> int:
    place = tuple_(updates.c.bot, updates.c.update_id)
    old = (
        select(updates.c.bot, updates.c.update_id)
        .where(or_(updates.c.finished_at.is_not(None), _is_set_aside), updates.c.received_at < before)
        .limit(_PURGE_CHUNK)
    )
    return connection.execute(delete(updates).where(place.in_(old))).rowcount


def move_updates(connection: Connection, bot: str, old: int, new: int) -> None:
    """Move the unfinished updates of a group to the supergroup that it has become, and so to the owner of that chat.

    The update that announces the move stays, because it is being processed.
    """
    here = and_(
        updates.c.bot == bot, updates.c.finished_at.is_(None), updates.c.queue_key == queue_of(ChatKey(bot, old))
    )
    chat = ChatKey(bot, new)
    for row in connection.execute(select(updates.c.update_id, updates.c.payload).where(here)).all():
        content = orjson.loads(row.payload)
        if "migrate_to_chat_id" in (content.get("message") or {}):
            continue
        moved = {
            "payload": orjson.dumps(move_content(content, old, new)),
            "partition": partition_of(new),
            "queue_key": queue_of(chat),
        }
        key = and_(updates.c.bot == bot, updates.c.update_id == row.update_id)
        connection.execute(update(updates).where(key).values(moved))
