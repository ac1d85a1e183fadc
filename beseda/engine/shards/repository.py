"""Shard leases in SQL: one row per bot with the owners of its shards, one row per replica with the end of its lease.

The bot's row is locked during a heartbeat, so that heartbeats of several replicas run one after another. On PostgreSQL
times come from the database, because clocks of machines differ.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Boolean, Column, Connection, Row, Table, Text, delete, false, func, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from beseda.core.clock import Clock, SystemClock
from beseda.core.process_identity import find_dead_processes
from beseda.db.database import Database
from beseda.db.schema import metadata
from beseda.db.types import UtcTime
from beseda.engine.updates.model import PARTITIONS

# One row a bot, not one a part: it is read and locked at every beat of every replica.
shard_owners = Table(
    "territories",
    metadata,
    Column("bot", Text, primary_key=True),
    Column("owners", Text, nullable=False),  # JSON: the numbers of the parts by the name of their owner
)


replicas = Table(
    "replicas",
    metadata,
    Column("bot", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("joined_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("lease_until", UtcTime, nullable=False),
    Column("leaving", Boolean, nullable=False, server_default=false()),
)


EVERYTHING = frozenset(range(PARTITIONS))


@dataclass(frozen=True, slots=True)
class LeaseRequest:
    """A heartbeat: a replica renews its lease for `lease` seconds, releases shards, or announces that it leaves."""

    bot: str
    name: str
    lease: float
    released: frozenset[int] = frozenset()
    leaving: bool = False


@dataclass(frozen=True, slots=True)
class LeaseStatus:
    """The response to a heartbeat.

    `owned` are the replica's shards from now on, `surplus` is the number of shards it should release, `others` the
    number of other live replicas. `unmet` is true if one of those has sent no heartbeat since this replica joined.
    """

    owned: frozenset[int]
    surplus: int = 0
    others: int = 0
    unmet: bool = False


def share_out(owned: Mapping[str, Collection[int]], name: str, sharing: Collection[str]) -> tuple[frozenset[int], int]:
    """Return the shards that `name` takes in addition, and the number of shards it should release.

    `owned` are the shards of all replicas that may still work on them. `sharing` are the replicas among which the
    shards are divided equally, rounded up.
    """
    mine = frozenset(owned.get(name, ()))
    if name not in sharing:
        return frozenset(), 0
    share = math.ceil(PARTITIONS / len(sharing))
    free = EVERYTHING.difference(*owned.values())
    wanted = max(0, share - len(mine))
    return frozenset(sorted(free)[:wanted]), max(0, len(mine) - share)


_Owned = dict[str, frozenset[int]]
_BURIED = timedelta(minutes=10)  # after its lease a silent replica is forgotten


class ShardLeaseRepository:
    """Shard leases in SQL. Every method raises StorageError if the database is unavailable."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()

    async def beat(self, claim: LeaseRequest) -> LeaseStatus:
        """Renew a replica's lease, free the shards it released and assign it its share of the free shards."""
        # As a look beside rows: a few short statements, which SQLite does without waking a thread.
        return await self._database.write_and_read((), lambda connection: self._beat(connection, claim))

    async def count_shards(self) -> Mapping[str, Mapping[str, int]]:
        """Return the number of shards of each owner, by bot."""
        rows = await self._database.read(lambda connection: connection.execute(select(shard_owners)).all())
        return {row.bot: {owner: len(parts) for owner, parts in orjson.loads(row.owners).items()} for row in rows}

    async def leave(self, bot: str, name: str) -> None:
        """Release all shards of a replica and delete its row."""
        await self._database.write_and_read((), lambda connection: self._leave(connection, bot, name))

    def _beat(self, connection: Connection, claim: LeaseRequest) -> LeaseStatus:
        before = _lock(connection, claim.bot)
        now = self._now(connection)
        rows = connection.execute(select(replicas).where(replicas.c.bot == claim.bot)).all()
        own = next((row for row in rows if row.name == claim.name), None)
        dead = set(find_dead_processes(row.name for row in rows))
        # Whose own lease has run out cannot tell who else is silent: the database was away, and from everybody.
        was_away = own is not None and own.lease_until <= now
        others = [row for row in rows if row.name != claim.name and row.name not in dead]
        alive = [row for row in others if was_away or row.lease_until > now]
        owned = {row.name: before[row.name] for row in alive if row.name in before}
        owned[claim.name] = before.get(claim.name, frozenset()) - claim.released
        sharing = {row.name for row in alive if not row.leaving} | (set() if claim.leaving else {claim.name})
        taken, surplus = share_out(owned, claim.name, sharing)
        owned[claim.name] |= taken
        _save(connection, claim.bot, before, owned)
        joined_at = own.joined_at if own is not None else now
        _renew(connection, claim, now, joined_at)
        _bury(connection, claim.bot, rows, dead, now)
        unmet = any(row.seen_at <= joined_at for row in alive)
        return LeaseStatus(owned[claim.name], surplus, len(alive), unmet)

    def _leave(self, connection: Connection, bot: str, name: str) -> None:
        before = _lock(connection, bot)
        _save(connection, bot, before, {owner: parts for owner, parts in before.items() if owner != name})
        connection.execute(delete(replicas).where(replicas.c.bot == bot, replicas.c.name == name))

    def _now(self, connection: Connection) -> datetime:
        if connection.dialect.name == "postgresql":
            now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
            return now
        return self._clock.now()


def _insert(connection: Connection) -> Any:
    return postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert


def _lock(connection: Connection, bot: str) -> _Owned:
    """Lock the row of a bot, creating it if necessary, and return the owners of its shards."""
    with _impatience(connection):
        return _find_locked(connection, bot)


@contextmanager
def _impatience(connection: Connection) -> Iterator[None]:
    """Wait at most two seconds for a lock, because all other writes of this process wait meanwhile."""
    if connection.dialect.name != "postgresql":
        yield
        return
    connection.execute(text("SET LOCAL lock_timeout = '2s'"))
    yield
    connection.execute(text("SET LOCAL lock_timeout = 0"))


def _find_locked(connection: Connection, bot: str) -> _Owned:
    find = select(shard_owners.c.owners).where(shard_owners.c.bot == bot).with_for_update()
    owners = connection.execute(find).scalar_one_or_none()
    if owners is None:
        connection.execute(_insert(connection)(shard_owners).values(bot=bot, owners="{}").on_conflict_do_nothing())
        owners = connection.execute(find).scalar_one()
    return {name: frozenset(parts) for name, parts in orjson.loads(owners).items()}


def _save(connection: Connection, bot: str, before: _Owned, after: Mapping[str, frozenset[int]]) -> None:
    kept = {name: parts for name, parts in after.items() if parts}
    if kept != before:
        owners = orjson.dumps({name: sorted(parts) for name, parts in kept.items()}).decode()
        connection.execute(update(shard_owners).where(shard_owners.c.bot == bot).values(owners=owners))


def _renew(connection: Connection, claim: LeaseRequest, now: datetime, joined_at: datetime) -> None:
    values = {"seen_at": now, "lease_until": now + timedelta(seconds=claim.lease), "leaving": claim.leaving}
    statement = _insert(connection)(replicas).values(bot=claim.bot, name=claim.name, joined_at=joined_at, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["bot", "name"], set_=values))


def _bury(connection: Connection, bot: str, rows: Sequence[Row[Any]], dead: set[str], now: datetime) -> None:
    gone = [row.name for row in rows if row.name in dead or row.lease_until < now - _BURIED]
    if gone:
        connection.execute(delete(replicas).where(replicas.c.bot == bot, replicas.c.name.in_(gone)))
