"""Events in SQL, written in the transaction of the change, with a delivery for every subscribed endpoint."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import orjson
from sqlalchemy import ColumnElement, Connection, func, insert, select, true

from beseda.core.clock import Clock, SystemClock
from beseda.db.database import TO_TELL, Database
from beseda.db.mapping import Codec, RowMapping
from beseda.engine.events.model import Event, EventFilter, EventType, NewEvent
from beseda.engine.events.tables import event_deliveries, events, webhook_endpoints

# Data of events may hold what JSON has no form for: it is written as text.
_DATA = Codec(orjson.loads, lambda data: orjson.dumps(data, default=str).decode())
EVENTS = RowMapping(Event, events)
_NEW_EVENTS = RowMapping(NewEvent, events, codecs={"data": _DATA})

_KNOWN_SECONDS = 10.0


def write_events(connection: Connection, new: Sequence[NewEvent], now: datetime) -> None:
    """Store events and their deliveries to subscribed endpoints, inside the transaction of `connection`."""
    if not new:
        return
    query = select(webhook_endpoints.c.id, webhook_endpoints.c.bot, webhook_endpoints.c.types)
    listeners = connection.execute(query.where(webhook_endpoints.c.active.is_(True))).all()
    adding = insert(events).returning(events.c.id)
    for event in new:
        number = connection.execute(adding, {**_NEW_EVENTS.values(event), "occurred_at": now}).scalar_one()
        deliveries = [
            {
                "event_id": number,
                "endpoint_id": listener.id,
                "lead_id": event.lead_id,
                "state": "pending",
                "attempts": 0,
                "due_at": now,
                "error": "",
                "created_at": now,
            }
            for listener in listeners
            if listener.bot in {"", event.bot} and (not listener.types or event.type.value in listener.types.split())
        ]
        if deliveries:
            connection.execute(insert(event_deliveries), deliveries)
            connection.info[TO_TELL] = True


class EventSubscriptions:
    """Whether a frequent event has any subscriber, so that no row is written for each message without one.

    The answer is cached for ten seconds: a new subscriber receives the messages that arrive after that.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._known: Sequence[tuple[str, str]] = ()
        self._until = 0.0
        self._looking = asyncio.Lock()

    async def wants(self, kind: EventType, bot: str) -> bool:
        """Return whether an event of this kind and bot has an endpoint. Raises StorageError."""
        if self._clock.monotonic() >= self._until:
            async with self._looking:  # one asks for all messages that come in meanwhile
                if self._clock.monotonic() >= self._until:
                    await self._look()
        return any(name in {"", bot} and (not types or kind.value in types.split()) for name, types in self._known)

    async def _look(self) -> None:
        query = select(webhook_endpoints.c.bot, webhook_endpoints.c.types)
        query = query.where(webhook_endpoints.c.active.is_(True))
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        self._known = [(row.bot, row.types) for row in rows]
        self._until = self._clock.monotonic() + _KNOWN_SECONDS


class EventRepository:
    """Events in SQL. Every method raises StorageError if the database rejects the work or is unavailable."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()

    async def add(self, events: Sequence[NewEvent]) -> None:
        """Store events that do not belong to a change in the database."""
        now = self._clock.now()
        await self._database.write(lambda connection: write_events(connection, events, now))

    async def list(self, wanted: EventFilter, *, limit: int, offset: int = 0, before: int | None = None) -> list[Event]:
        """Return events, newest first: those with ids below `before`, else from `offset` on."""
        behind = true() if before is None else events.c.id < before
        query = select(*EVENTS.columns).where(*_conditions(wanted), behind).order_by(events.c.id.desc()).limit(limit)
        query = query.offset(offset) if before is None else query
        rows = await self._database.read_long(lambda connection: connection.execute(query).all())
        return EVENTS.load_all(rows)

    async def count(self, wanted: EventFilter) -> int:
        """Return the number of events that match."""
        query = select(func.count()).select_from(events).where(*_conditions(wanted))
        number: int = await self._database.read_long(lambda connection: connection.execute(query).scalar_one())
        return number


def _conditions(wanted: EventFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [true()]
    if wanted.bot is not None:
        found.append(events.c.bot == wanted.bot)
    if wanted.type is not None:
        found.append(events.c.type == wanted.type.value)
    if wanted.user_id is not None:
        found.append(events.c.user_id == wanted.user_id)
    if wanted.lead_ids:
        found.append(events.c.lead_id.in_(wanted.lead_ids))
    if wanted.since is not None:
        found.append(events.c.occurred_at >= wanted.since)
    if wanted.until is not None:
        found.append(events.c.occurred_at < wanted.until)
    return found
