"""Lead data of one person: exported and deleted."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, and_, delete, or_, select, update

from beseda.engine.conversations.personal_data import SHORTEST_WORD
from beseda.engine.events.model import EventType, redact
from beseda.engine.events.repository import EVENTS, write_events
from beseda.engine.events.tables import events
from beseda.engine.files.model import FileOwner
from beseda.engine.personal_data import Erasure, PersonalDataSource, PersonalMarks, Rows
from beseda.features.leads.model import Lead, LeadRecord
from beseda.features.leads.queries import (
    VISITS,
    find_consents,
    find_family,
    find_lead,
    find_people,
    move_stage,
    shift_total,
    store_lead,
)
from beseda.features.leads.tables import lead_consents, lead_slots, lead_stages, leads
from beseda.features.leads.update import fill_fields, lead_event, view_for

_SHORTEST_STATEMENT = 6  # characters of a statement that is looked for in messages to other people


class LeadData(PersonalDataSource):
    """Personal data in leads, which merge: one row may be about several people."""

    exclusive = True

    def find_marks(self, connection: Connection, person: FileOwner) -> PersonalMarks:
        """Return the numbers of the person's leads, their names and contacts, and longer statements."""
        columns = leads.c.id, leads.c.name, leads.c.contact, leads.c.phone, leads.c.email
        found = connection.execute(select(*columns).where(own_leads(person))).all()
        words = [word for row in found for word in row[1:] if len(word) >= SHORTEST_WORD]
        said = select(lead_slots.c.value).join(leads, leads.c.id == lead_slots.c.lead_id).where(own_leads(person))
        words += [value for value in connection.execute(said).scalars() if len(value) >= _SHORTEST_STATEMENT]
        return PersonalMarks([("lead_id", row.id) for row in found], words)

    def export(self, connection: Connection, person: FileOwner) -> Mapping[str, Rows]:
        """Return the leads with their fields, stages, consents and events."""
        return {
            "leads": [
                {
                    **{name: value for name, value in asdict(record.lead).items() if name != "slots"},
                    "fields": [asdict(slot) for slot in record.lead.slots.values()],
                    "stages": [asdict(visit) for visit in record.stages],
                    "consents": [asdict(consent) for consent in record.consents],
                    "events": record.events,
                }
                for record in find_records(connection, person)
            ]
        }

    def forget(self, connection: Connection, erasure: Erasure) -> Mapping[str, int]:
        """Delete the leads, the person's fields in shared leads, and their events.

        If another person's lead was merged into one of these, that person gets a separate lead again.
        """
        return {"leads": _forget_leads(connection, erasure.person, erasure.at)}


def own_leads(person: FileOwner) -> Any:
    """Return the condition that a lead is the person's."""
    return and_(leads.c.bot == person.bot, leads.c.user_id == person.user_id)


def find_records(connection: Connection, owner: FileOwner) -> list[LeadRecord]:
    """Return a person's leads in one bot with all their own data, without statements of other people."""
    return [_record(connection, lead, owner) for lead in _find_own(connection, owner)]


def _forget_leads(connection: Connection, owner: FileOwner, now: datetime) -> int:
    own = [each for lead in _find_own(connection, owner) for each in (*_find_entered(connection, lead), lead)]
    for lead in own:
        if lead.user_id is None:
            continue
        if lead.merged_into is None:
            _let_go(connection, lead)
        else:
            _withdraw(connection, lead, lead.merged_into, now)
    numbers = [lead.id for lead in own]
    theirs = and_(events.c.bot == owner.bot, events.c.user_id == owner.user_id)
    connection.execute(delete(events).where(or_(theirs, events.c.lead_id.in_(numbers))))
    connection.execute(delete(leads).where(leads.c.id.in_(numbers)))
    told = [lead_event(EventType.LEAD_DELETED, lead, "person", {}) for lead in own if lead.merged_into is None]
    write_events(connection, told, now)
    return len(own)


def _find_own(connection: Connection, owner: FileOwner) -> list[Lead]:
    query = select(leads.c.id).where(own_leads(owner)).order_by(leads.c.id)
    found = (find_lead(connection, number, lock=True) for number in connection.execute(query).scalars().all())
    return [lead for lead in found if lead is not None]


def _find_entered(connection: Connection, lead: Lead) -> list[Lead]:
    """Return the leads without a Telegram account that the company entered and that were merged into this lead."""
    query = select(leads.c.id).where(leads.c.merged_into == lead.id, leads.c.user_id.is_(None)).order_by(leads.c.id)
    found = (find_lead(connection, number) for number in connection.execute(query).scalars().all())
    return [entered for entered in found if entered is not None]


def _record(connection: Connection, lead: Lead, owner: FileOwner) -> LeadRecord:
    shared = find_lead(connection, lead.merged_into) if lead.merged_into is not None else None
    slots = {**lead.slots, **view_for(shared, owner.user_id).slots} if shared is not None else lead.slots
    visits = connection.execute(
        select(lead_stages).where(lead_stages.c.lead_id == lead.id).order_by(lead_stages.c.id)
    ).all()
    happened = connection.execute(select(events).where(events.c.lead_id == lead.id).order_by(events.c.id)).all()
    consents = [
        item
        for number in filter(None, (lead.id, lead.merged_into))
        for item in find_consents(connection, number)
        if item.user_id == owner.user_id
    ]
    others = len(find_people(connection, lead.id)) > 1
    shown = {name: slot for name, slot in slots.items() if not others or slot.user_id in {None, owner.user_id}}
    return LeadRecord(
        replace(lead, slots=shown),
        tuple(VISITS.load_all(visits)),
        tuple(consents),
        # Where two share a lead, its history tells of both.
        () if others else tuple(asdict(event) for event in EVENTS.load_all(happened)),
    )


def _let_go(connection: Connection, lead: Lead) -> None:
    """Remove a live lead from the totals and pass its place on.

    The oldest lead merged into it becomes live, the others are merged into that one.
    """
    shift_total(connection, lead, -1)
    family = find_family(connection, lead.id)
    others = [number for number, user_id in family.items() if number != lead.id and user_id is not None]
    if not others:
        return
    connection.execute(update(leads).where(leads.c.id == lead.id).values(merged_into=others[0]))
    heir = _revive(connection, others[0])
    connection.execute(update(leads).where(leads.c.id.in_(others[1:])).values(merged_into=others[0]))
    shift_total(connection, heir, 1)
    move_stage(connection, heir.id, heir.stage, heir.updated_at)
    people = _other_people(connection, heir, lead)
    said = {name: slot for name, slot in lead.slots.items() if slot.user_id in people}
    store_lead(connection, heir, replace(heir, slots={**heir.slots, **said}, version=lead.version + 1))
    kept = and_(lead_consents.c.lead_id == lead.id, lead_consents.c.user_id.in_(people))
    connection.execute(update(lead_consents).where(kept).values(lead_id=heir.id))


def _revive(connection: Connection, lead_id: int) -> Lead:
    """Make a merged lead a live one again, and return it."""
    lead = find_lead(connection, lead_id, lock=True)
    assert lead is not None  # noqa: S101 - a lead that others are part of is deleted together with them
    connection.execute(update(leads).where(leads.c.id == lead_id).values(merged_into=None))
    return replace(lead, merged_into=None)


def _other_people(connection: Connection, heir: Lead, lead: Lead) -> Collection[int]:
    return find_people(connection, heir.id) - {lead.user_id}


def _withdraw(connection: Connection, lead: Lead, into: int, now: datetime) -> None:
    """Remove a person's statements from the lead that theirs was merged into, and from its events since then."""
    given = and_(lead_consents.c.lead_id == into, lead_consents.c.user_id == lead.user_id)
    connection.execute(delete(lead_consents).where(given))
    shared = find_lead(connection, into, lock=True)
    if shared is None:
        return
    happened = connection.execute(select(events).where(events.c.lead_id == into).order_by(events.c.id)).all()
    told = {row.id: orjson.loads(row.data) for row in happened}
    merged = next((number for number, data in told.items() if data.get("merged") == lead.id), None)
    before = told[merged].get("before", {}) if merged is not None else {}
    kept = {name: slot for name, slot in shared.slots.items() if slot.user_id != lead.user_id}
    theirs = fill_fields(lead, (slot for name, slot in shared.slots.items() if name not in kept))
    fields = {
        name: before.get(name, "")
        for name in ("name", "contact", "phone", "email")
        if getattr(shared, name) in {getattr(lead, name), getattr(theirs, name)}
    }
    left = replace(shared, **fields, slots=kept, version=shared.version + 1, updated_at=now)
    store_lead(connection, shared, left)
    for number, data in told.items():
        if merged is not None and number >= merged:
            text = orjson.dumps(redact(data)).decode()
            connection.execute(update(events).where(events.c.id == number).values(data=text))
