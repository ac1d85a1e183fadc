"""Endpoints and deliveries in SQL."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, delete, func, insert, or_, select, true, update

from beseda.core.background_pace import BackgroundPace
from beseda.core.clock import Clock, SystemClock
from beseda.db.database import Database
from beseda.db.mapping import Codec, RowMapping
from beseda.engine.events.model import Event, EventType
from beseda.engine.events.tables import event_deliveries as deliveries
from beseda.engine.events.tables import events
from beseda.engine.events.tables import webhook_endpoints as endpoints
from beseda.features.leads.model import ConsentKind
from beseda.features.leads.tables import lead_consents, leads
from beseda.features.webhooks.model import (
    DeliveryOutcome,
    DeliveryState,
    DueDelivery,
    EndpointChange,
    EventDelivery,
    KeyChange,
    NewEndpoint,
    WebhookEndpoint,
)

T = TypeVar("T")


def _join(types: Sequence[EventType]) -> str:
    return " ".join(dict.fromkeys(kind.value for kind in types))


_ENDPOINTS = RowMapping(
    WebhookEndpoint, endpoints, codecs={"types": Codec(lambda text: tuple(map(EventType, text.split())), _join)}
)
_DELIVERIES = RowMapping(EventDelivery, deliveries, without={"event"})
# A delivery beside the columns of its event, which have names that begin with `event_`.
_select_deliveries = select(
    deliveries, *(column.label(f"event_{column.name}") for column in events.columns if column.name != "id")
).join(events, events.c.id == deliveries.c.event_id)
_EVENTS = RowMapping(
    Event, _select_deliveries.subquery(), names={item.name: f"event_{item.name}" for item in fields(Event)}
)
_PENDING = DeliveryState.PENDING.value
_CHUNK = 1000


class WebhookRepository:
    """Endpoints and deliveries in SQL.

    Every method raises StorageError if the database rejects the work or is unavailable.
    """

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()

    async def add(self, new: NewEndpoint) -> WebhookEndpoint:
        """Store an endpoint. It receives the events that are written from now on."""
        now = self._clock.now()
        endpoint = WebhookEndpoint(0, **asdict(new), active=True, reason="", created_at=now, updated_at=now)
        values = _ENDPOINTS.values(endpoint, without={"id"})
        statement = insert(endpoints).values(values).returning(*_ENDPOINTS.columns)
        return await self._write(lambda connection: _ENDPOINTS.load(connection.execute(statement).one()))

    async def find(self, endpoint_id: int) -> WebhookEndpoint | None:
        """Return an endpoint, or None."""
        return await self._database.read(lambda connection: _find(connection, endpoint_id))

    async def page(self, *, limit: int, offset: int) -> Sequence[WebhookEndpoint]:
        """Return some endpoints, newest first."""
        query = select(*_ENDPOINTS.columns).order_by(endpoints.c.id.desc()).limit(limit).offset(offset)
        rows = await self._database.read_long(lambda connection: connection.execute(query).all())
        return _ENDPOINTS.load_all(rows)

    async def count(self) -> int:
        """Return how many endpoints there are."""
        return await self._count(select(func.count()).select_from(endpoints))

    async def change(self, endpoint_id: int, change: EndpointChange) -> WebhookEndpoint | None:
        """Change an endpoint and return it, or None if it does not exist."""
        values = {name: value for name, value in asdict(change).items() if value is not None}
        if change.types is not None:
            values["types"] = _join(change.types)
        values["updated_at"] = self._clock.now()
        if change.url is not None or change.active:
            values |= {"resting_until": None, "silences": 0}
        return await self._change(endpoint_id, values)

    async def change_key(self, endpoint_id: int, change: KeyChange) -> WebhookEndpoint | None:
        """Store the inputs of the next signing key and keep those of the present key beside them.

        Return the endpoint, or None if it does not exist.
        """
        old = {"old_salt": endpoints.c.salt, "old_fingerprint": endpoints.c.fingerprint}
        return await self._change(endpoint_id, {**old, **asdict(change), "updated_at": self._clock.now()})

    async def count_by_fingerprint(self) -> Mapping[str, int]:
        """Count active endpoints by the fingerprint of the secret from which their keys are derived."""
        query = select(endpoints.c.fingerprint, func.count().label("number")).where(endpoints.c.active.is_(True))
        query = query.group_by(endpoints.c.fingerprint)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return {row.fingerprint: row.number for row in rows}

    async def adopt(self, fingerprint: str) -> None:
        """Set this fingerprint for the endpoints that were stored without one."""
        statement = update(endpoints).where(endpoints.c.fingerprint == "").values(fingerprint=fingerprint)
        await self._write(lambda connection: connection.execute(statement))

    async def remove(self, endpoint_id: int) -> bool:
        """Delete an endpoint with its deliveries. Return False if it does not exist."""
        statement = delete(endpoints).where(endpoints.c.id == endpoint_id)
        return await self._write(lambda connection: connection.execute(statement).rowcount > 0)

    async def deliveries(
        self, endpoint_id: int, state: DeliveryState | None, *, limit: int, offset: int = 0, before: int | None = None
    ) -> Sequence[EventDelivery]:
        """Return an endpoint's deliveries, newest first: those with ids below `before`, else from `offset` on."""
        query = _select_deliveries.where(_is_of(endpoint_id, state)).order_by(deliveries.c.id.desc()).limit(limit)
        query = query.offset(offset) if before is None else query.where(deliveries.c.id < before)
        rows = await self._database.read_long(lambda connection: connection.execute(query).all())
        return [_load(row) for row in rows]

    async def count_deliveries(self, endpoint_id: int, state: DeliveryState | None) -> int:
        """Return how many deliveries an endpoint has."""
        return await self._count(select(func.count()).select_from(deliveries).where(_is_of(endpoint_id, state)))

    async def redeliver(self, endpoint_id: int, delivery_id: int) -> EventDelivery | None:
        """Queue a delivery again and return it, or None if it does not exist."""
        own = and_(deliveries.c.id == delivery_id, deliveries.c.endpoint_id == endpoint_id)
        again = {"state": _PENDING, "attempts": 0, "due_at": self._clock.now(), "finished_at": None, "error": ""}

        def work(connection: Connection) -> EventDelivery | None:
            over = deliveries.c.state != _PENDING  # one under way is made anyhow
            connection.execute(update(deliveries).where(own, over).values({**again, "lease_until": None}))
            row = connection.execute(_select_deliveries.where(own)).one_or_none()
            return _load(row) if row is not None else None

        return await self._write(work)

    async def due_endpoints(self) -> Sequence[int]:
        """Return the ids of active endpoints that are not paused and have deliveries that are due."""
        now = self._clock.now()
        is_awake = or_(endpoints.c.resting_until.is_(None), endpoints.c.resting_until <= now)
        claimable = select(deliveries.c.id).where(deliveries.c.endpoint_id == endpoints.c.id, _is_due(now), _is_first())
        query = select(endpoints.c.id).where(endpoints.c.active.is_(True), is_awake, claimable.exists())
        return await self._database.read(lambda connection: connection.execute(query).scalars().all())

    async def rest(self, endpoint_id: int, until: datetime | None, silences: int) -> None:
        """Store the time until which an endpoint is paused, and the number of consecutive unanswered requests."""
        statement = update(endpoints).where(endpoints.c.id == endpoint_id)
        values = {"resting_until": until, "silences": silences}
        await self._write(lambda connection: connection.execute(statement.values(values)))

    async def claim(self, endpoint_id: int, *, until: datetime, limit: int) -> Sequence[DueDelivery]:
        """Lease deliveries that are due, in order for each lead: no other sender gets them before `until`."""
        now = self._clock.now()
        return await self._write(lambda connection: _claim(connection, (endpoint_id, limit), until, now))

    async def settle(self, delivery_id: int, outcome: DeliveryOutcome) -> None:
        """Record the outcome of an attempt."""
        over = outcome.state is not DeliveryState.PENDING
        values = {
            "state": outcome.state.value,
            "attempts": deliveries.c.attempts + 1,
            "due_at": outcome.due_at,
            "status": outcome.status,
            "error": outcome.error,
            "lease_until": None,
            "finished_at": self._clock.now() if over else None,
        }
        statement = update(deliveries).where(deliveries.c.id == delivery_id, deliveries.c.state == _PENDING)
        await self._write(lambda connection: connection.execute(statement.values(values)))

    async def next_due(self) -> datetime | None:
        """Return the time of the next delivery to an active endpoint, after its pause if it has one, or None."""
        query = select(func.min(deliveries.c.due_at), endpoints.c.resting_until).join(endpoints)
        query = query.where(endpoints.c.active.is_(True), deliveries.c.state == _PENDING, _is_first())
        query = query.group_by(endpoints.c.id, endpoints.c.resting_until)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return min((max(due, rest or due) for due, rest in rows), default=None)

    async def purge(self, before: datetime) -> int:
        """Delete deliveries that were finished before then and return their number."""
        old = select(deliveries.c.id).where(deliveries.c.finished_at < before).limit(_CHUNK)
        statement = delete(deliveries).where(deliveries.c.id.in_(old))
        total, pace = 0, BackgroundPace()
        while True:
            count = await self._write(lambda connection: connection.execute(statement).rowcount)
            total += count
            if count < _CHUNK:
                return total
            await pace.pause()

    async def _change(self, endpoint_id: int, values: Mapping[str, Any]) -> WebhookEndpoint | None:
        statement = update(endpoints).where(endpoints.c.id == endpoint_id).values(values)

        def work(connection: Connection) -> WebhookEndpoint | None:
            connection.execute(statement)
            return _find(connection, endpoint_id)

        return await self._write(work)

    async def _write(self, work: Callable[[Connection], T]) -> T:
        return await self._database.write(work)

    async def _count(self, query: Select[Any]) -> int:
        number: int = await self._database.read_long(lambda connection: connection.execute(query).scalar_one())
        return number


def _find(connection: Connection, endpoint_id: int) -> WebhookEndpoint | None:
    row = connection.execute(select(*_ENDPOINTS.columns).where(endpoints.c.id == endpoint_id)).one_or_none()
    return _ENDPOINTS.load(row) if row is not None else None


def _load(row: Row[Any]) -> EventDelivery:
    return _DELIVERIES.load(row, event=_EVENTS.load(row))


def _is_of(endpoint_id: int, state: DeliveryState | None) -> ColumnElement[bool]:
    wanted = true() if state is None else deliveries.c.state == state.value
    return and_(deliveries.c.endpoint_id == endpoint_id, wanted)


def _is_due(now: datetime) -> ColumnElement[bool]:
    free = or_(deliveries.c.lease_until.is_(None), deliveries.c.lease_until <= now)
    return and_(deliveries.c.state == _PENDING, deliveries.c.due_at <= now, free)


def _is_first() -> ColumnElement[bool]:
    """Return the condition that no earlier delivery of the same lead to the same endpoint is pending."""
    earlier = deliveries.alias()
    return ~(
        select(earlier.c.id)
        .where(
            earlier.c.endpoint_id == deliveries.c.endpoint_id,
            earlier.c.lead_id == deliveries.c.lead_id,
            earlier.c.id < deliveries.c.id,
            earlier.c.state == _PENDING,
        )
        .exists()
    )


def _claim(connection: Connection, what: tuple[int, int], until: datetime, now: datetime) -> list[DueDelivery]:
    endpoint_id, limit = what
    query = (
        select(deliveries.c.id)
        .where(deliveries.c.endpoint_id == endpoint_id, _is_due(now), _is_first())
        .order_by(deliveries.c.due_at, deliveries.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)  # SQLite has one writer at a time, and leaves this out
    )
    numbers = connection.execute(query).scalars().all()
    connection.execute(update(deliveries).where(deliveries.c.id.in_(numbers)).values(lease_until=until))
    rows = connection.execute(_select_deliveries.where(deliveries.c.id.in_(numbers)).order_by(deliveries.c.id)).all()
    hidden = _find_private(connection, rows)
    return [DueDelivery(_load(row), not hidden.isdisjoint(_list_subjects(row))) for row in rows]


_Subject: TypeAlias = int | tuple[str, int]


def _list_subjects(row: Row[Any]) -> set[_Subject]:
    """Return the lead of an event, or else its person, which may have a lead all the same."""
    if row.event_lead_id is not None:
        return {row.event_lead_id}
    return {(row.event_bot, row.event_user_id)} if row.event_user_id is not None else set()


def _find_private(connection: Connection, rows: Sequence[Row[Any]]) -> set[_Subject]:
    """Return the subjects with a person that has revoked the consent to their profile and not given it again."""
    answered = or_(lead_consents.c.given_at.is_not(None), lead_consents.c.revoked_at.is_not(None))
    lead_ids = {row.event_lead_id for row in rows if row.event_lead_id is not None}
    user_ids = {row.event_user_id for row in rows if row.event_user_id is not None}
    query = (
        select(leads.c.id, leads.c.bot, leads.c.user_id, lead_consents.c.user_id.label("asked"))
        .add_columns(lead_consents.c.revoked_at)
        .join(lead_consents, lead_consents.c.lead_id == func.coalesce(leads.c.merged_into, leads.c.id))
        .where(or_(leads.c.id.in_(lead_ids), leads.c.user_id.in_(user_ids)))
        .where(lead_consents.c.kind == ConsentKind.PDPA_PROFILE.value, answered)
        .order_by(lead_consents.c.id)
    )
    last = {(row.id, row.asked): row for row in connection.execute(query)}
    revoked = [row for row in last.values() if row.revoked_at is not None]
    return {row.id for row in revoked} | {(row.bot, row.user_id) for row in revoked}
