"""Leads in SQL: each change is one transaction with its events, and merges leads with the same verified phone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias, TypeVar

from sqlalchemy import Connection, delete, insert, select, update

from beseda.core.clock import Clock, SystemClock
from beseda.core.errors import StaleVersionError, StorageError
from beseda.core.version import Versions
from beseda.db.database import Database
from beseda.engine.conversations.tables import users
from beseda.engine.events.model import EventType, NewEvent
from beseda.engine.events.repository import write_events
from beseda.engine.events.tables import events
from beseda.features.leads.merge import join, merge, unmerge
from beseda.features.leads.model import (
    Consent,
    ConsentKind,
    Lead,
    LeadChange,
    LeadFilter,
    LeadList,
    LeadPage,
    LeadStatus,
    LeadText,
    Merge,
    NewLead,
    Opened,
    PossibleDuplicate,
    StageVisit,
)
from beseda.features.leads.queries import (
    CONSENTS,
    dialect_insert,
    find_consents,
    find_duplicates,
    find_family,
    find_lead,
    find_people,
    find_same_people,
    find_sources,
    find_visits,
    lead_values,
    list_leads,
    lock_live,
    shift_total,
    store_lead,
    write_leads,
)
from beseda.features.leads.tables import lead_consents, leads
from beseda.features.leads.update import LeadMessage, LeadUpdate, apply_change, describe_lead, lead_event

Decide: TypeAlias = Callable[[Lead, Mapping[int, LeadMessage]], LeadUpdate]

T = TypeVar("T")
_LONGEST_WORDS = 500
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
        return await self._database.read(lambda connection: find_visits(connection, lead_id))

    async def consents(self, lead_id: int) -> Sequence[Consent]:
        """Return the consents requested from the people of a lead, oldest first."""
        return await self._database.read(lambda connection: find_consents(connection, lead_id))

    async def ask_consent(self, lead_id: int, kind: ConsentKind, user_id: int) -> None:
        """Record that a person was asked for a consent now."""
        await self._write(lambda connection, now: _ask_consent(connection, lead_id, kind, user_id, now))

    async def give_consent(self, lead_id: int, kind: ConsentKind, message_id: int) -> Consent | None:
        """Record the consent given in a message and return it, or None if the author is not a person of the lead."""
        return await self._write(lambda connection, now: _give_consent(connection, lead_id, kind, message_id, now))

    async def revoke_consent(self, lead_id: int, kind: ConsentKind, message_id: int | None, actor: str) -> bool:
        """Record that a consent is revoked or refused, by a person's message or by hand.

        Return False if the lead does not exist or the message is not from one of its people.
        """
        return await self._write(
            lambda connection, now: _revoke_consent(connection, lead_id, kind, message_id, (actor, now))
        )

    async def _write(self, work: Callable[[Connection, datetime], T]) -> T:
        now = self._clock.now()
        return await self._database.write(lambda connection: work(connection, now))


def find_lead_id(connection: Connection, bot: str, user_id: int) -> int | None:
    """Return the id of a person's oldest lead in a bot, or None."""
    theirs = select(leads.c.id).where(leads.c.bot == bot, leads.c.user_id == user_id).order_by(leads.c.id)
    found: int | None = connection.execute(theirs.limit(1)).scalar()
    return found


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
    empty = Lead(
        id=0,
        bot=new.bot,
        user_id=new.user_id,
        name="",
        contact="",
        phone="",
        email="",
        source=new.source,
        status=LeadStatus.ACTIVE,
        stage="",
        owner="",
        notes="",
        fit_score=0,
        version=0,
        created_at=now,
        updated_at=now,
    )
    statement = dialect_insert(connection, leads).values(lead_values(empty, without=frozenset({"id"})))
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


def _ask_consent(connection: Connection, lead_id: int, kind: ConsentKind, user_id: int, now: datetime) -> None:
    """Record that a person was asked for a consent. An unanswered request is not recorded twice."""
    lead = lock_live(connection, lead_id)
    if lead is None or _find_open_consent(connection, lead, kind, user_id) is not None:
        return
    connection.execute(insert(lead_consents).values(_new_consent(lead, kind, user_id, now)))


def _give_consent(
    connection: Connection, lead_id: int, kind: ConsentKind, message_id: int, now: datetime
) -> Consent | None:
    """Store a consent with the message that gave it. A consent that is valid already stays as it is."""
    lead = lock_live(connection, lead_id)
    source = find_sources(connection, lead, [message_id]).get(message_id) if lead else None
    if lead is None or source is None:
        return None
    own = [item for item in find_consents(connection, lead.id) if (item.kind, item.user_id) == (kind, source.user_id)]
    if own and own[-1].holds:
        return own[-1]
    values = {"given_at": now, "message_id": message_id, "words": source.text[:_LONGEST_WORDS]}
    number = _find_open_consent(connection, lead, kind, source.user_id)
    if number is None:
        connection.execute(insert(lead_consents).values({**_new_consent(lead, kind, source.user_id, now), **values}))
    else:
        connection.execute(update(lead_consents).where(lead_consents.c.id == number).values(values))
    data = {"kind": kind, "user_id": source.user_id, "given_at": now, "message_id": message_id}
    write_events(connection, [lead_event(EventType.CONSENT_GIVEN, lead, "bot", data)], now)
    return next(item for item in reversed(find_consents(connection, lead.id)) if item.given_at == now)


def _revoke_consent(
    connection: Connection, lead_id: int, kind: ConsentKind, message_id: int | None, sign: tuple[str, datetime]
) -> bool:
    """Record that a consent is revoked or refused by the author of the message, or by all people of the lead.

    Without a message it concerns all people. A consent that is revoked already stays as it is, and no second event is
    written.
    """
    actor, now = sign
    lead = lock_live(connection, lead_id)
    if lead is None:
        return False
    people = find_people(connection, lead.id)
    if message_id is not None:
        people = {source.user_id for source in find_sources(connection, lead, [message_id]).values()}
    known = {(item.kind, item.user_id): item for item in find_consents(connection, lead.id)}
    for user_id in sorted(people):
        last = known.get((kind, user_id))
        if last is not None and last.revoked_at is not None:
            continue
        own = (lead_consents.c.lead_id == lead.id) & (lead_consents.c.kind == kind.value)
        own &= (lead_consents.c.user_id == user_id) & lead_consents.c.revoked_at.is_(None)
        if not connection.execute(update(lead_consents).where(own).values(revoked_at=now)).rowcount:
            connection.execute(
                insert(lead_consents).values({**_new_consent(lead, kind, user_id, now), "revoked_at": now})
            )
        data = {"kind": kind, "user_id": user_id, "revoked_at": now, "message_id": message_id}
        write_events(connection, [lead_event(EventType.CONSENT_REVOKED, lead, actor, data)], now)
    return bool(people)


def _find_open_consent(connection: Connection, lead: Lead, kind: ConsentKind, user_id: int) -> int | None:
    query = select(lead_consents.c.id).where(
        lead_consents.c.lead_id == lead.id,
        lead_consents.c.kind == kind.value,
        lead_consents.c.user_id == user_id,
        lead_consents.c.given_at.is_(None),
        lead_consents.c.revoked_at.is_(None),
    )
    return connection.execute(query.order_by(lead_consents.c.id.desc()).limit(1)).scalar()


def _new_consent(lead: Lead, kind: ConsentKind, user_id: int, now: datetime) -> dict[str, object]:
    return {"lead_id": lead.id, **CONSENTS.values(Consent(kind, user_id, now))}
