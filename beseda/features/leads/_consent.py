"""Consents of leads: requested, given and revoked, each with its date and the message that did it."""

from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from beseda.engine.events.model import EventType
from beseda.engine.events.repository import write_events
from beseda.features.leads._rows import find_people, find_sources, lock_live
from beseda.features.leads.model import Consent, ConsentKind, Lead
from beseda.features.leads.tables import lead_consents
from beseda.features.leads.update import lead_event

_LONGEST_WORDS = 500


def find_consents(connection: Connection, lead_id: int) -> list[Consent]:
    """Return the consents of a lead, oldest first."""
    query = select(lead_consents).where(lead_consents.c.lead_id == lead_id).order_by(lead_consents.c.id)
    return [
        Consent(
            ConsentKind(row.kind), row.user_id, row.asked_at, row.given_at, row.revoked_at, row.message_id, row.words
        )
        for row in connection.execute(query)
    ]


def ask(connection: Connection, lead_id: int, what: tuple[ConsentKind, int], now: datetime) -> None:
    """Record that a person was asked for a consent. An unanswered request is not recorded twice."""
    kind, user_id = what
    lead = lock_live(connection, lead_id)
    if lead is None or _find_open(connection, lead, kind, user_id) is not None:
        return
    connection.execute(insert(lead_consents).values(_new(lead, kind, user_id, now)))


def give(connection: Connection, lead_id: int, what: tuple[ConsentKind, int], now: datetime) -> Consent | None:
    """Store a consent with the message that gave it. A consent that is valid already stays as it is."""
    kind, message_id = what
    lead = lock_live(connection, lead_id)
    source = find_sources(connection, lead, [message_id]).get(message_id) if lead else None
    if lead is None or source is None:
        return None
    own = [item for item in find_consents(connection, lead.id) if (item.kind, item.user_id) == (kind, source.user_id)]
    if own and own[-1].holds:
        return own[-1]
    values = {"given_at": now, "message_id": message_id, "words": source.text[:_LONGEST_WORDS]}
    number = _find_open(connection, lead, kind, source.user_id)
    if number is None:
        connection.execute(insert(lead_consents).values({**_new(lead, kind, source.user_id, now), **values}))
    else:
        connection.execute(update(lead_consents).where(lead_consents.c.id == number).values(values))
    data = {"kind": kind, "user_id": source.user_id, "given_at": now, "message_id": message_id}
    write_events(connection, [lead_event(EventType.CONSENT_GIVEN, lead, "bot", data)], now)
    return next(item for item in reversed(find_consents(connection, lead.id)) if item.given_at == now)


def revoke(connection: Connection, lead_id: int, what: tuple[ConsentKind, int | None, str], now: datetime) -> bool:
    """Record that a consent is revoked or refused by the author of the message, or by all people of the lead.

    Without a message it concerns all people. A consent that is revoked already stays as it is, and no second event is
    written.
    """
    kind, message_id, actor = what
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
            connection.execute(insert(lead_consents).values({**_new(lead, kind, user_id, now), "revoked_at": now}))
        data = {"kind": kind, "user_id": user_id, "revoked_at": now, "message_id": message_id}
        write_events(connection, [lead_event(EventType.CONSENT_REVOKED, lead, actor, data)], now)
    return bool(people)


def _find_open(connection: Connection, lead: Lead, kind: ConsentKind, user_id: int) -> int | None:
    query = select(lead_consents.c.id).where(
        lead_consents.c.lead_id == lead.id,
        lead_consents.c.kind == kind.value,
        lead_consents.c.user_id == user_id,
        lead_consents.c.given_at.is_(None),
        lead_consents.c.revoked_at.is_(None),
    )
    return connection.execute(query.order_by(lead_consents.c.id.desc()).limit(1)).scalar()


def _new(lead: Lead, kind: ConsentKind, user_id: int, now: datetime) -> dict[str, object]:
    return {"lead_id": lead.id, "kind": kind.value, "user_id": user_id, "asked_at": now, "words": ""}
