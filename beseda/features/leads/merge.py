"""Merging two leads, and separating them again."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, select, update

from beseda.core.errors import MergeRefusedError, NotFoundError, StaleVersionError
from beseda.engine.conversations.tables import messages
from beseda.engine.events.model import EventType
from beseda.engine.events.repository import write_events
from beseda.engine.events.tables import events
from beseda.features.leads.model import Lead, Merge
from beseda.features.leads.queries import (
    find_lead,
    find_people,
    lock_live,
    move_stage,
    retire_lead,
    shift_total,
    store_lead,
)
from beseda.features.leads.tables import lead_consents, lead_stages, leads
from beseda.features.leads.update import LeadUpdate, describe_lead, lead_event, merge_leads, separate_leads


def merge(connection: Connection, order: Merge, now: datetime) -> Lead:
    """Merge two leads of one bot, as decided by a person of the company. Leads that are merged already stay so.

    Raises NotFoundError, StaleVersionError, and MergeRefusedError for leads of two bots.
    """
    # Locked in the order of their numbers, so that two such orders do not wait for each other.
    found = {number: lock_live(connection, number) for number in sorted({order.lead_id, order.other_id})}
    kept, other = found[order.lead_id], found[order.other_id]
    if kept is None or other is None:
        raise NotFoundError(f"lead {order.lead_id if kept is None else order.other_id}")
    if order.versions is not None and (kept.version not in order.versions or order.lead_id != kept.id):
        raise StaleVersionError(f"lead {order.lead_id} is at version {kept.version}")
    if kept.id == other.id:
        return kept
    if kept.bot != other.bot:
        raise MergeRefusedError(f"leads {kept.id} and {other.id} are of two bots")
    if kept.user_id is None and other.user_id is not None:
        kept, other = other, kept
    return _join(connection, (kept, LeadUpdate(kept)), [other], (order.actor, now))


def join(connection: Connection, change: tuple[Lead, LeadUpdate], same: Sequence[Lead], now: datetime) -> Lead:
    """Merge a changed lead and others of the same person: the oldest one with a Telegram account stays live."""
    old, decided = change
    first, *others = sorted((decided.lead, *same), key=lambda lead: (lead.user_id is None, lead.id))
    if first is not decided.lead:
        store_lead(connection, old, decided.lead)
        change = first, LeadUpdate(first, decided.events)
    return _join(connection, change, others, ("beseda", now))


def _join(
    connection: Connection, change: tuple[Lead, LeadUpdate], others: Sequence[Lead], sign: tuple[str, datetime]
) -> Lead:
    """Merge `others` into a lead, which takes over their data; `sign` is the actor and the time."""
    (before, decided), (actor, now) = change, sign
    told = list(decided.events)
    for other in others:
        gone = replace(other, version=other.version + 1, updated_at=now)
        retire_lead(connection, other, gone, before.id)
        move_stage(connection, other.id, "", now)
        for table in (lead_stages, lead_consents):
            connection.execute(update(table).where(table.c.lead_id == other.id).values(lead_id=before.id))
        data: dict[str, object] = {"merged": other.id, "into": before.id, "other": describe_lead(other)}
        data["before"] = describe_lead(decided.lead)
        told.append(lead_event(EventType.LEAD_MERGED, decided.lead, actor, data))
    version = max(lead.version for lead in (decided.lead, *others)) + 1
    merged = replace(merge_leads(decided.lead, others), version=version, updated_at=now)
    store_lead(connection, before, merged)
    write_events(connection, told, now)
    return merged


def unmerge(connection: Connection, lead_id: int, actor: str, now: datetime) -> Lead:
    """Make a merged lead a live one again, and return it.

    It gets back its earlier data and the later data of its person; the other lead loses these and gets back its own.
    Raises NotFoundError, and MergeRefusedError for a lead that is not merged.
    """
    part = find_lead(connection, lead_id, lock=True)
    if part is None:
        raise NotFoundError(f"lead {lead_id}")
    live = lock_live(connection, part.merged_into) if part.merged_into is not None else None
    if live is None:
        raise MergeRefusedError(f"lead {lead_id} is not merged")
    left, revived = separate_leads(live, part, _read_before(connection, live.id, part.id), now)
    version = max(live.version, part.version) + 1
    left = _drop_gone_messages(connection, replace(left, version=version, updated_at=now))
    revived = replace(revived, version=version, updated_at=now)
    connection.execute(update(leads).where(leads.c.id == part.id).values(merged_into=None))
    store_lead(connection, live, left)
    shift_total(connection, part, 1)
    store_lead(connection, part, revived)
    move_stage(connection, revived.id, revived.stage, now)
    _give_consents_back(connection, left, revived)
    data = {"unmerged": revived.id, "left": left.id}
    told = [lead_event(EventType.LEAD_UNMERGED, lead, actor, data) for lead in (left, revived)]
    write_events(connection, told, now)
    return revived


def _read_before(connection: Connection, live_id: int, part_id: int) -> Mapping[str, Any]:
    """Return a lead as it was before another was merged into it; empty if the event no longer contains it."""
    merged = (events.c.lead_id == live_id) & (events.c.type == EventType.LEAD_MERGED.value)
    query = select(events.c.data).where(merged).order_by(events.c.id.desc())
    for text in connection.execute(query).scalars():
        data = orjson.loads(text)
        if data.get("merged") == part_id:
            before: Mapping[str, Any] = data.get("before") or {}
            return before
    return {}


def _drop_gone_messages(connection: Connection, lead: Lead) -> Lead:
    """Return a lead with the references of its fields to deleted messages removed."""
    numbers = {slot.message_id for slot in lead.slots.values() if slot.message_id is not None}
    there = set(connection.execute(select(messages.c.id).where(messages.c.id.in_(numbers))).scalars())
    slots = {
        name: slot if slot.message_id in there else replace(slot, message_id=None) for name, slot in lead.slots.items()
    }
    return replace(lead, slots=slots)


def _give_consents_back(connection: Connection, left: Lead, revived: Lead) -> None:
    """Move the consents of the person that is no longer part of a lead."""
    if revived.user_id is not None and revived.user_id not in find_people(connection, left.id):
        theirs = (lead_consents.c.lead_id == left.id) & (lead_consents.c.user_id == revived.user_id)
        connection.execute(update(lead_consents).where(theirs).values(lead_id=revived.id))
