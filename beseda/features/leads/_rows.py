"""Rows of leads: read, locked, written and counted."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, delete, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from beseda.core.message import Role
from beseda.engine.conversations.tables import conversations, messages
from beseda.engine.turns.tables import turns
from beseda.features.leads.contact import email_key
from beseda.features.leads.evidence import fold
from beseda.features.leads.model import Lead, LeadSlot, LeadStatus, PhoneEvidence, PossibleDuplicate, SlotState
from beseda.features.leads.tables import lead_slots, lead_stages, lead_totals, leads
from beseda.features.leads.update import LeadMessage
from beseda.llm.quotation import own_words

_LONGEST_SEARCH = 8000
_MOST_DUPLICATES = 50
COLUMNS = tuple(column for column in leads.columns if column.name not in {"search", "email_key"})


def dialect_insert(connection: Connection, table: Table) -> Any:
    """Return the INSERT construct of the database's dialect, which supports ON CONFLICT."""
    return (postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert)(table)


def load_lead(row: Row[Any], slots: Iterable[LeadSlot] = ()) -> Lead:
    """Return the lead of a row."""
    return Lead(
        row.id,
        row.bot,
        row.user_id,
        row.name,
        row.contact,
        row.phone,
        row.email,
        row.source,
        LeadStatus(row.status),
        row.stage,
        row.owner,
        row.notes,
        row.fit_score,
        row.version,
        row.created_at,
        row.updated_at,
        row.merged_into,
        {slot.name: slot for slot in slots},
        PhoneEvidence(row.phone_evidence),
    )


def find_lead(connection: Connection, lead_id: int, *, lock: bool = False) -> Lead | None:
    """Return a lead with its fields, or None. With `lock`, the row is locked until the transaction ends."""
    query = select(*COLUMNS).where(leads.c.id == lead_id)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return load_lead(row, find_slots(connection, lead_id)) if row is not None else None


def lock_live(connection: Connection, lead_id: int) -> Lead | None:
    """Return a lead, or the live lead that it was merged into, locked."""
    lead = find_lead(connection, lead_id, lock=True)
    while lead is not None and lead.merged_into is not None:
        lead = find_lead(connection, lead.merged_into, lock=True)
    return lead


def find_slots(connection: Connection, lead_id: int) -> list[LeadSlot]:
    """Return the fields of a lead, by name."""
    query = select(lead_slots).where(lead_slots.c.lead_id == lead_id).order_by(lead_slots.c.name)
    return [
        LeadSlot(
            row.name,
            row.value,
            row.confidence,
            row.message_id,
            row.quote,
            SlotState(row.state),
            row.extracted_at,
            row.user_id,
        )
        for row in connection.execute(query)
    ]


def find_family(connection: Connection, lead_id: int) -> dict[int, int | None]:
    """Return the users of a lead and of those that were merged into it, by the id of their lead."""
    query = select(leads.c.id, leads.c.user_id).where(or_(leads.c.id == lead_id, leads.c.merged_into == lead_id))
    return {row.id: row.user_id for row in connection.execute(query.order_by(leads.c.id))}


def find_people(connection: Connection, lead_id: int) -> set[int]:
    """Return the users of a lead and of those that were merged into it."""
    return {user_id for user_id in find_family(connection, lead_id).values() if user_id is not None}


def find_sources(connection: Connection, lead: Lead, message_ids: Sequence[int]) -> dict[int, LeadMessage]:
    """Return those of the messages that a person of the lead wrote to its bot, without forwarded text."""
    if not message_ids:
        return {}
    people = find_people(connection, lead.id)
    query = (
        select(messages.c.id, messages.c.content, turns.c.user_id)
        .join(turns, turns.c.id == messages.c.turn_id)
        .join(conversations, conversations.c.id == messages.c.conversation_id)
        .where(
            messages.c.id.in_(message_ids),
            messages.c.role == Role.USER.value,
            conversations.c.bot == lead.bot,
            turns.c.user_id.in_(people),
        )
    )
    return {row.id: LeadMessage(row.user_id, own_words(row.content)) for row in connection.execute(query)}


def store_lead(connection: Connection, old: Lead, new: Lead) -> None:
    """Write the changes of a live lead: its row, its fields, its stage and the totals."""
    connection.execute(update(leads).where(leads.c.id == new.id).values(_to_values(new)))
    _store_slots(connection, old, new)
    if old.stage != new.stage:
        move_stage(connection, new.id, new.stage, new.updated_at)
    if (old.status, old.stage) != (new.status, new.stage):
        shift_total(connection, old, -1)
        shift_total(connection, new, 1)


def retire_lead(connection: Connection, old: Lead, new: Lead, into: int) -> None:
    """Write a live lead as `new` and merge it, with the leads merged into it, into another."""
    connection.execute(update(leads).where(leads.c.id == new.id).values({**_to_values(new), "merged_into": into}))
    _store_slots(connection, old, new)
    shift_total(connection, old, -1)
    connection.execute(update(leads).where(leads.c.merged_into == new.id).values(merged_into=into))


def move_stage(connection: Connection, lead_id: int, stage: str, now: datetime) -> None:
    """End the current stage of a lead, and begin the next one if it is not empty."""
    open_visit = (lead_stages.c.lead_id == lead_id) & lead_stages.c.exited_at.is_(None)
    connection.execute(update(lead_stages).where(open_visit).values(exited_at=now))
    if stage:
        connection.execute(insert(lead_stages).values(lead_id=lead_id, stage=stage, entered_at=now))


def shift_total(connection: Connection, lead: Lead, by: int) -> None:
    """Add a live lead to the totals, or subtract it."""
    statement = dialect_insert(connection, lead_totals).values(
        bot=lead.bot, status=lead.status.value, stage=lead.stage, count=by
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["bot", "status", "stage"], set_={"count": lead_totals.c.count + statement.excluded.count}
        )
    )


def find_same_people(connection: Connection, lead: Lead) -> list[Lead]:
    """Return the other live leads of the person in `lead`, by the phone that Telegram verified there. They are locked.

    The other lead must have the same number, either verified by Telegram or entered by the company for a lead without a
    person. A number that was only mentioned proves nothing.
    """
    if not lead.phone or lead.phone_evidence is not PhoneEvidence.TELEGRAM:
        return []
    _lock_phone(connection, lead)
    entered = and_(leads.c.user_id.is_(None), leads.c.phone_evidence == PhoneEvidence.COMPANY.value)
    proven = or_(leads.c.phone_evidence == PhoneEvidence.TELEGRAM.value, entered)
    query = select(leads.c.id).where(_is_other(lead), leads.c.phone == lead.phone, proven).order_by(leads.c.id)
    numbers = connection.execute(query).scalars().all()
    found = [find_lead(connection, number, lock=True) for number in numbers]
    return [twin for twin in found if twin is not None and twin.merged_into is None]


def find_duplicates(connection: Connection, lead: Lead) -> list[PossibleDuplicate]:
    """Return the other live leads of the bot with this phone or mail address, the oldest first."""
    same: dict[str, ColumnElement[bool]] = {}
    if lead.phone:
        same["phone"] = leads.c.phone == lead.phone
    if lead.email:
        same["email"] = leads.c.email_key == email_key(lead.email)
    if not same or lead.merged_into is not None:
        return []
    query = select(leads.c.id, *(condition.label(name) for name, condition in same.items()))
    query = query.where(_is_other(lead), or_(*same.values())).order_by(leads.c.id).limit(_MOST_DUPLICATES)
    rows = connection.execute(query).all()
    return [PossibleDuplicate(row.id, tuple(name for name in same if getattr(row, name))) for row in rows]


def _is_other(lead: Lead) -> ColumnElement[bool]:
    return and_(leads.c.bot == lead.bot, leads.c.merged_into.is_(None), leads.c.id != lead.id)


def _lock_phone(connection: Connection, lead: Lead) -> None:
    """Lock the lead's phone until the transaction ends, so that no other lead gets the same phone meanwhile."""
    if connection.dialect.name == "postgresql":  # SQLite has one writer at a time
        number = func.hashtextextended(f"lead:{lead.bot}:{lead.phone}", 0)
        connection.execute(select(func.pg_advisory_xact_lock(number)))


def _store_slots(connection: Connection, old: Lead, new: Lead) -> None:
    gone = [name for name in old.slots if name not in new.slots]
    fresh = [slot for name, slot in new.slots.items() if old.slots.get(name) != slot]
    names = [*gone, *(slot.name for slot in fresh)]
    if names:
        connection.execute(delete(lead_slots).where(lead_slots.c.lead_id == new.id, lead_slots.c.name.in_(names)))
    if fresh:
        connection.execute(insert(lead_slots), [_slot_values(new.id, slot) for slot in fresh])


def _slot_values(lead_id: int, slot: LeadSlot) -> dict[str, object]:
    return {
        "lead_id": lead_id,
        "name": slot.name,
        "value": slot.value,
        "confidence": slot.confidence,
        "message_id": slot.message_id,
        "user_id": slot.user_id,
        "quote": slot.quote,
        "state": slot.state.value,
        "extracted_at": slot.extracted_at,
    }


def _to_values(lead: Lead) -> dict[str, object]:
    names = ("name", "contact", "phone", "email", "source", "stage", "owner", "notes", "fit_score", "version")
    values = {name: getattr(lead, name) for name in (*names, "updated_at")}
    states = {"status": lead.status.value, "phone_evidence": lead.phone_evidence.value}
    return {**values, **states, "email_key": email_key(lead.email), "search": write_search(lead)}


def write_search(lead: Lead) -> str:
    """Return the text that a search matches."""
    parts = [lead.name, lead.contact, lead.phone, lead.email, lead.notes, *(slot.value for slot in lead.slots.values())]
    return fold(" ".join(dict.fromkeys(filter(None, parts))))[:_LONGEST_SEARCH]
