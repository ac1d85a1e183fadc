"""State of chats and people that outlives this process, cached in memory.

Each value is stored in SQL before `set` returns. Recently read or written values are cached, missing ones included, so
that a message in an active chat costs no query. The cache is for a single process: processes that share their state
over Redis have no cache here (a size of 0).
"""

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Column, Table, Text, bindparam, delete, select

from beseda.core.clock import Clock, SystemClock
from beseda.db.database import Database
from beseda.db.schema import metadata
from beseda.db.statement import InsertFactory, Rank, Statement
from beseda.db.types import CleanText, UtcTime

states = Table(
    "states",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", CleanText, nullable=False),
    Column("expires_at", UtcTime, index=True),
)

_Held = tuple[bytes | None, datetime | None]


def _upsert_state(insert: InsertFactory) -> Any:
    statement = insert(states).values({column.name: bindparam(column.name) for column in states.columns})
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["key"], set_={"value": new.value, "expires_at": new.expires_at}
    )


_state = Statement(Rank.STATE, _upsert_state)


class SqlState:
    """Implements `StateStore`. Every method raises StorageError if the database is unavailable."""

    def __init__(self, database: Database, clock: Clock | None = None, *, size: int = 20_000) -> None:
        """At most `size` values are cached. An evicted value is read again."""
        self._database = database
        self._clock = clock or SystemClock()
        self._size = size
        self._held: OrderedDict[str, _Held] = OrderedDict()

    async def get(self, key: str) -> dict[str, object] | None:
        """Return the value or None."""
        return (await self.look_up(key))[0]

    async def look_up(self, key: str) -> tuple[dict[str, object] | None, float | None]:
        """Return the value or None, and the seconds until it expires, or None if it does not expire."""
        held = self._held.get(key)
        if held is None:
            held = await self._read(key)
        self._hold(key, held)
        value, deadline = held
        left = None if deadline is None else (deadline - self._clock.now()).total_seconds()
        if value is None or (left is not None and left <= 0):
            return None, None
        loaded: dict[str, object] = orjson.loads(value)
        return loaded, left

    async def set(self, key: str, value: dict[str, object], *, ttl: float | None = None) -> None:
        """Store a value. It expires after `ttl` seconds if given."""
        deadline = None if ttl is None else self._clock.now() + timedelta(seconds=ttl)
        await self._write(key, (orjson.dumps(value), deadline))

    async def delete(self, key: str) -> None:
        """Delete a value; a missing one is no error."""
        # A row that has expired, and not a DELETE: set and delete of one batch then keep their order.
        await self._write(key, (None, self._clock.now()))

    async def purge(self) -> int:
        """Delete the expired values and return their number."""
        expired = delete(states).where(states.c.expires_at <= self._clock.now())
        return await self._database.write(lambda connection: connection.execute(expired).rowcount)

    async def _read(self, key: str) -> _Held:
        query = select(states.c.value, states.c.expires_at).where(states.c.key == key)
        row = await self._database.read(lambda connection: connection.execute(query).one_or_none())
        # What was written while we read is newer than what we read.
        return self._held.get(key) or ((row.value.encode() or None, row.expires_at) if row else (None, None))

    async def _write(self, key: str, held: _Held) -> None:
        value, deadline = held
        self._hold(key, held)
        row = {"key": key, "value": (value or b"").decode(), "expires_at": deadline}
        try:
            await self._database.write_rows([(_state, row)])
        except BaseException:
            self._held.pop(key, None)  # the record decides what holds
            raise

    def _hold(self, key: str, held: _Held) -> None:
        self._held[key] = held
        self._held.move_to_end(key)
        if len(self._held) > self._size:
            self._held.popitem(last=False)
