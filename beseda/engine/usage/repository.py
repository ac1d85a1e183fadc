"""Budgets in SQL: the rows of all accounts are locked in one order, read, and only then written."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, or_, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from beseda.core.clock import Clock, SystemClock
from beseda.db.database import Database
from beseda.engine.usage.budget import Account, BudgetStatus, Grant, ReservationRequest
from beseda.engine.usage.tables import OPEN
from beseda.engine.usage.tables import budget_counters as counters
from beseda.engine.usage.tables import budget_notices as notices
from beseda.engine.usage.tables import budget_reservations as reservations

_SETTLED, _EXPIRED = "settled", "expired"
_FREED_AT_ONCE = 20
_KEY = ("scope", "bot", "subject", "unit", "day")

Key = tuple[str, str, int, str, str]


class BudgetRepository:
    """Budgets in SQL. Every method raises StorageError."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()

    async def reserve(self, claim: ReservationRequest) -> Grant:
        """Reserve the wanted amount, or the amount left, from every account.

        Nothing is reserved if an account has less left than the least amount.
        """
        now = self._clock.now()
        return await self._database.write(lambda connection: _reserve(connection, claim, now))

    async def settle(self, reservation_id: str, used: int) -> None:
        """Count the amount used and free the reservation. This happens once, even if the reservation had expired."""
        await self._database.write(lambda connection: _settle(connection, reservation_id, used))

    async def statuses(self, accounts: Sequence[Account]) -> list[BudgetStatus]:
        """Return the usage and limits of the accounts, in their order."""
        if not accounts:
            return []
        query = select(counters).where(_are([_key(account) for account in accounts]))
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return _stand(accounts, rows)

    async def note_refusal(self, who: str, key: str, quiet: timedelta) -> bool:
        """Return whether to send a refusal: False if one with another `key` was sent less than `quiet` ago."""
        now = self._clock.now()
        return await self._database.write(lambda connection: _note(connection, (who, key), now, quiet))

    async def purge(self, before: datetime, *, limit: int) -> int:
        """Delete old counters, settled reservations and notices, up to `limit` of each. Return their number."""
        settled = and_(reservations.c.created_at < before, reservations.c.state != OPEN)
        day = counters.c.day < before.date().isoformat()
        old = [
            _delete(counters, tuple_(*(counters.c[name] for name in _KEY)), day, limit),
            _delete(reservations, reservations.c.id, settled, limit),
            _delete(notices, notices.c.who, notices.c.noted_at < before, limit),
        ]
        return await self._database.write(lambda connection: sum(connection.execute(one).rowcount for one in old))


def _reserve(connection: Connection, claim: ReservationRequest, now: datetime) -> Grant:
    _free_expired(connection, now)
    _free(connection, claim.id)
    keys = [_key(account) for account in claim.accounts]
    fresh = [{**dict(zip(_KEY, key, strict=True)), "used": 0, "held": 0} for key in keys]
    connection.execute(_insert(connection, counters).on_conflict_do_nothing(), fresh)
    # One by one, in the claim's order: two replicas that want the same rows wait for each other, not for ever.
    rows = [connection.execute(select(counters).where(_are([key])).with_for_update()).one() for key in keys]
    statuses = _stand(claim.accounts, rows)
    share = max(status.share for status in statuses)
    tightest = min(statuses, key=lambda status: status.left)
    if tightest.left < claim.least:
        return Grant(0, share, tightest)
    amount = min(claim.wanted, tightest.left)
    _add(connection, keys, held=amount)
    values = {
        "accounts": orjson.dumps(keys).decode(),
        "amount": amount,
        "used": 0,
        "state": OPEN,
        "created_at": now,
        "expires_at": claim.expires_at,
    }
    put = _insert(connection, reservations).values(id=claim.id, **values)
    connection.execute(put.on_conflict_do_update(index_elements=["id"], set_=values))
    return Grant(amount, share)


def _free_expired(connection: Connection, now: datetime) -> None:
    """Free expired reservations, which belonged to processes that died."""
    late = (
        select(reservations)
        .where(reservations.c.state == OPEN, reservations.c.expires_at <= now)
        .limit(_FREED_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    for row in connection.execute(late).all():
        _end(connection, row, _EXPIRED)


def _free(connection: Connection, reservation_id: str) -> None:
    """Free an open reservation of the same id: its process died, or the answer to the commit was lost."""
    row = _find(connection, reservation_id)
    if row is not None and row.state == OPEN:
        _end(connection, row, _EXPIRED)


def _settle(connection: Connection, reservation_id: str, used: int) -> None:
    row = _find(connection, reservation_id)
    if row is not None and row.state != _SETTLED:
        _end(connection, row, _SETTLED, used)


def _find(connection: Connection, reservation_id: str) -> Any:
    query = select(reservations).where(reservations.c.id == reservation_id).with_for_update()
    return connection.execute(query).one_or_none()


def _end(connection: Connection, row: Any, state: str, used: int = 0) -> None:
    held = -row.amount if row.state == OPEN else 0
    _add(connection, [_as_key(*key) for key in orjson.loads(row.accounts)], used=used, held=held)
    connection.execute(update(reservations).where(reservations.c.id == row.id).values(state=state, used=used))


def _add(connection: Connection, keys: Iterable[Key], *, used: int = 0, held: int = 0) -> None:
    for key in keys:
        change = update(counters).where(_are([key]))
        connection.execute(change.values(used=counters.c.used + used, held=counters.c.held + held))


def _note(connection: Connection, what: tuple[str, str], now: datetime, quiet: timedelta) -> bool:
    who, key = what
    fresh = _insert(connection, notices).values(who=who, key=key, noted_at=now)
    stale = or_(notices.c.noted_at <= now - quiet, notices.c.key == bindparam("same_key", key))
    said = fresh.on_conflict_do_update(index_elements=["who"], set_={"key": key, "noted_at": now}, where=stale)
    return connection.execute(said.returning(notices.c.who)).one_or_none() is not None


def _delete(table: Any, key: Any, condition: ColumnElement[bool], limit: int) -> Any:
    columns = key.clauses if hasattr(key, "clauses") else [key]
    return delete(table).where(key.in_(select(*columns).where(condition).limit(limit)))


def _insert(connection: Connection, table: Any) -> Any:
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)


def _are(keys: Sequence[Key]) -> ColumnElement[bool]:
    return or_(*(and_(*(counters.c[name] == part for name, part in zip(_KEY, key, strict=True))) for key in keys))


def _key(account: Account) -> Key:
    return account.scope.value, account.bot, account.subject, account.unit.value, account.day.isoformat()


def _as_key(*parts: Any) -> Key:
    scope, bot, subject, unit, day = parts
    return scope, bot, subject, unit, day


def _stand(accounts: Sequence[Account], rows: Iterable[Any]) -> list[BudgetStatus]:
    known = {(row.scope, row.bot, row.subject, row.unit, row.day): row for row in rows}
    found = [(account, known.get(_key(account))) for account in accounts]
    return [BudgetStatus(account, row.used, row.held) if row else BudgetStatus(account) for account, row in found]
