"""Leads in SQL: each change is one transaction with its events, and merges leads with the same verified phone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias, TypeVar

from sqlalchemy import Connection, delete, select

from beseda.core.clock import Clock, SystemClock
from beseda.core.errors import StaleVersionError, StorageError
from beseda.core.version import Versions
from beseda.db.database import Database
from beseda.engine.conversations.tables import users
from beseda.engine.events.model import EventType, NewEvent
from beseda.engine.events.repository import write_events
from beseda.engine.events.tables import events
from beseda.features.leads import _consent
from beseda.features.leads._list import list_leads, write_leads
from beseda.features.leads._merge import join, merge, unmerge
from beseda.features.leads._rows import (
    dialect_insert,
    find_duplicates,
    find_family,
    find_lead,
    find_same_people,
    find_sources,
    lock_live,
    shift_total,
    store_lead,
)
from beseda.features.leads.model import (
    Consent,
    ConsentKind,
    Lead,
    LeadChange,
    LeadFilter,
    LeadList,
    LeadPage,
    LeadText,
    Merge,
    NewLead,
    Opened,
    PossibleDuplicate,
    StageVisit,
)
from beseda.features.leads.tables import lead_stages, leads
from beseda.features.leads.update import LeadMessage, LeadUpdate, apply_change, describe_lead, lead_event

Decide: TypeAlias = Callable[[Lead, Mapping[int, LeadMessage]], LeadUpdate]

T = TypeVar("T")
_TRIES = 3  # to find a lead that another process makes or deletes at this moment


class LeadRepository:
    """Leads in SQL. Every method raises StorageError if the database rejects the work or is unavailable."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()

    async def find(self, lead_id: int) -> Lead | None:
        """Return a lead with its fields as stored, or None. A merged lead names the lead that it was merged into."""
        return await self._database.read(lambda connection: find_lead(connection, lead_id))

    async def for_user(self, bot: str, user_id: int) -> Lead | None:
        """Return a person's live lead, or the live lead that theirs was merged into, or None."""
        return await self._database.read(lambda connection: _find_for(connection, bot, user_id))

    async def open(self, new: NewLead, *, region: str) -> Opened:
        """Return a person's lead with the values of `new` applied. Create it if there is none."""
        return await self._write(lambda connection, now: _open(connection, new, region, now))

    async def update(self, lead_id: int, decide: Decide, message_ids: Sequence[int] = ()) -> Lead | None:
        """Apply the decision of `decide` to a lead and return the changed lead, or None if it does not exist."""

        def work(connection: Connection, now: datetime) -> Lead | None:
            lead = lock_live(connection, lead_id)
            if lead is None:
                return None
            return _update(connection, lead, decide(lead, find_sources(connection, lead, message_ids)), now)

        return await self._write(work)

    async def list(self, wanted: LeadFilter, page: LeadPage) -> LeadList:
        """Return live leads, without their fields."""
        return await self._database.read_long(lambda connection: list_leads(connection, wanted, page))

    async def write(self, wanted: LeadFilter, page: LeadPage) -> LeadText:
        """Return live leads, without their fields, as JSON. This is faster for long lists."""
        return await self._database.read_long(lambda connection: write_leads(connection, wanted, page))

    async def family(self, lead_id: int) -> Sequence[int]:
        """Return the ids of a lead and of the leads that were merged into it; empty if it does not exist."""
        return await self._database.read(lambda connection: tuple(find_family(connection, lead_id)))

    async def duplicates(self, lead_id: int) -> Sequence[PossibleDuplicate]:
        """Return the live leads that may be the same person: they share the phone or the mail address."""

        def work(connection: Connection) -> Sequence[PossibleDuplicate]:
            lead = find_lead(connection, lead_id)
            return find_duplicates(connection, lead) if lead is not None else []

        return await self._database.read(work)

    async def merge(self, order: Merge) -> Lead:
        """Merge two leads of one bot. Raises NotFoundError, MergeRefusedError and StaleVersionError."""
        return await self._write(lambda connection, now: merge(connection, order, now))

    async def unmerge(self, lead_id: int, actor: str) -> Lead:
        """Make a merged lead a live one again. Raises NotFoundError and MergeRefusedError."""
        return await self._write(lambda connection, now: unmerge(connection, lead_id, actor, now))

    async def delete(self, lead_id: int, actor: str, versions: Versions = None) -> bool:
        """Delete a lead, the leads merged into it and their events. Only the event of the deletion remains.

        Returns False if the lead does not exist. Raises StaleVersionError if `versions` does not contain the lead's
        version.
        """
        return await self._write(lambda connection, now: _delete(connection, lead_id, (actor, versions), now))

    async def stages(self, lead_id: int) -> Sequence[StageVisit]:
        """Return the stages that a lead has passed through, oldest first."""
        query = select(lead_stages).where(lead_stages.c.lead_id == lead_id)
        query = query.order_by(lead_stages.c.entered_at, lead_stages.c.id)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [StageVisit(row.stage, row.entered_at, row.exited_at) for row in rows]

    async def consents(self, lead_id: int) -> Sequence[Consent]:
        """Return the consents requested from the people of a lead, oldest first."""
        return await self._database.read(lambda connection: _consent.find_consents(connection, lead_id))

    async def ask_consent(self, lead_id: int, kind: ConsentKind, user_id: int) -> None:
        """Record that a person was asked for a consent now."""
        await self._write(lambda connection, now: _consent.ask(connection, lead_id, (kind, user_id), now))

    async def give_consent(self, lead_id: int, kind: ConsentKind, message_id: int) -> Consent | None:
        """Record the consent given in a message and return it, or None if the author is not a person of the lead."""
        return await self._write(lambda connection, now: _consent.give(connection, lead_id, (kind, message_id), now))

    async def revoke_consent(self, lead_id: int, kind: ConsentKind, message_id: int | None, actor: str) -> bool:
        """Record that a consent is revoked or refused, by a person's message or by hand.

        Return False if the lead does not exist or the message is not from one of its people.
        """
        what = (kind, message_id, actor)
        return await self._write(lambda connection, now: _consent.revoke(connection, lead_id, what, now))

    async def _write(self, work: Callable[[Connection, datetime], T]) -> T:
        now = self._clock.now()
        return await self._database.write(lambda connection: work(connection, now))


def _find_for(connection: Connection, bot: str, user_id: int) -> Lead | None:
    theirs = select(leads.c.id, leads.c.merged_into).where(leads.c.bot == bot, leads.c.user_id == user_id)
    rows = connection.execute(theirs.order_by(leads.c.id)).all()
    live = [row.id for row in rows if row.merged_into is None] or [row.merged_into for row in rows]
    return find_lead(connection, live[0]) if live else None


def _open(connection: Connection, new: NewLead, region: str, now: datetime) -> Opened:
    start, is_new = _find_or_insert(connection, new, now)
    change = LeadChange(name=new.name or None, contact=new.contact or None, stage=new.stage or None)
    decided = apply_change(start, change, new.actor, region)
    if is_new:
        told = lead_event(EventType.LEAD_CREATED, start, new.actor, describe_lead(decided.lead))
        decided = replace(decided, events=(told,))
    lead = _update(connection, start, decided, now)
    return Opened(lead, is_new and lead.id == start.id)


def _find_or_insert(connection: Connection, new: NewLead, now: datetime) -> tuple[Lead, bool]:
    """Return the person's lead, locked, and whether it is new."""
    for _ in range(_TRIES):
        known = _find_for(connection, new.bot, new.user_id) if new.user_id is not None else None
        lead = lock_live(connection, known.id) if known else _insert(connection, new, now)
        if lead is not None:
            return lead, known is None
    raise StorageError("a lead comes and goes")  # somebody else makes and deletes it, again and again


def _insert(connection: Connection, new: NewLead, now: datetime) -> Lead | None:
    if new.user_id is not None:
        _insert_user(connection, new.user_id, now)
    empty = dict.fromkeys(("name", "contact", "phone", "email", "email_key", "stage", "owner", "notes", "search"), "")
    values = {"bot": new.bot, "user_id": new.user_id, "source": new.source, "status": "active", "fit_score": 0}
    statement = dialect_insert(connection, leads).values(
        {**empty, **values, "version": 0, "created_at": now, "updated_at": now}
    )
    statement = statement.on_conflict_do_nothing(
        index_elements=["bot", "user_id"], index_where=leads.c.merged_into.is_(None)
    )
    number = connection.execute(statement.returning(leads.c.id)).scalar()
    lead = find_lead(connection, number) if number is not None else None
    if lead is not None:
        shift_total(connection, lead, 1)
    return lead


def _insert_user(connection: Connection, user_id: int, now: datetime) -> None:
    person = {"id": user_id, "name": "", "username": "", "language": "", "created_at": now, "last_seen_at": now}
    connection.execute(dialect_insert(connection, users).values(person).on_conflict_do_nothing(index_elements=["id"]))


def _update(connection: Connection, old: Lead, decided: LeadUpdate, now: datetime) -> Lead:
    if decided.lead == old and not decided.events:
        return old
    new = replace(decided.lead, version=old.version + 1, updated_at=now)
    has_new_phone = (old.phone, old.phone_evidence) != (new.phone, new.phone_evidence)
    same = find_same_people(connection, new) if has_new_phone else []
    if same:
        return join(connection, (old, replace(decided, lead=new)), same, now)
    store_lead(connection, old, new)
    write_events(connection, [*decided.events, *_report_duplicates(connection, old, new)], now)
    return new


def _report_duplicates(connection: Connection, old: Lead, new: Lead) -> list[NewEvent]:
    """Return the event for a changed phone or mail address that other leads have as well."""
    if (old.phone, old.email) == (new.phone, new.email):
        return []
    numbers = [found.lead_id for found in find_duplicates(connection, new)]
    data = {"possible_duplicates": numbers}
    return [lead_event(EventType.LEAD_POSSIBLE_DUPLICATE, new, "beseda", data)] if numbers else []


def _delete(connection: Connection, lead_id: int, order: tuple[str, Versions], now: datetime) -> bool:
    actor, versions = order
    lead = find_lead(connection, lead_id, lock=True)
    if lead is None:
        return False
    if versions is not None and lead.version not in versions:
        raise StaleVersionError(f"lead {lead_id} is at version {lead.version}")
    numbers = list(find_family(connection, lead_id))
    connection.execute(delete(events).where(events.c.lead_id.in_(numbers)))
    connection.execute(delete(leads).where(leads.c.merged_into == lead_id))
    connection.execute(delete(leads).where(leads.c.id == lead_id))
    if lead.merged_into is None:
        shift_total(connection, lead, -1)
    write_events(connection, [lead_event(EventType.LEAD_DELETED, lead, actor, {})], now)
    return True
