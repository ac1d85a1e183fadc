"""Changes of a lead: by manual entries, by findings of a model, and by a merge with another lead."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any

from beseda.engine.events.model import EventType, NewEvent
from beseda.features.leads.contact import DEFAULT_REGION, normalise_email, normalise_phone, parse_contact
from beseda.features.leads.evidence import clean, find_fault
from beseda.features.leads.model import (
    CONTACT_SLOTS,
    NAME_SLOT,
    Filled,
    Finding,
    Lead,
    LeadChange,
    LeadSlot,
    LeadStatus,
    PhoneEvidence,
    RefusedFinding,
    SlotState,
    Thresholds,
)

BOT = "bot"
"""The actor of changes that follow from a conversation."""

# What events and merges repeat of a lead: all but its identity and the course of its row.
_UNTOLD = frozenset({"id", "bot", "user_id", "version", "created_at", "updated_at", "merged_into", "slots"})
_TOLD = tuple(item.name for item in fields(Lead) if item.name not in _UNTOLD)

_RANK = {SlotState.TO_ASK: 0, SlotState.TO_CONFIRM: 1, SlotState.ACCEPTED: 2}


@dataclass(frozen=True, slots=True)
class LeadMessage:
    """A message that a lead's person wrote to the bot."""

    user_id: int
    text: str


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms by which findings are judged.

    `now` is the time of reading, `region` the country of phone numbers without a country code, `thresholds` the limits
    of confidence. `evidence` is the source of a phone number among the findings.
    """

    now: datetime
    region: str = DEFAULT_REGION
    thresholds: Thresholds = field(default_factory=Thresholds)
    evidence: PhoneEvidence = PhoneEvidence.NAMED


@dataclass(frozen=True, slots=True)
class LeadUpdate:
    """A lead after a change, and the events that report it."""

    lead: Lead
    events: tuple[NewEvent, ...] = ()


def apply_change(lead: Lead, change: LeadChange, actor: str, region: str = DEFAULT_REGION) -> LeadUpdate:
    """Return the lead with values that were entered by hand.

    A new contact also sets phone and mail address. The old values stay in the events.
    """
    given = {item.name: getattr(change, item.name) for item in fields(change)}
    values: dict[str, Any] = {name: _tidy(name, value) for name, value in given.items() if value is not None}
    reach = _read_contact(lead, values, region)
    changed = replace(lead, **(values | reach))
    if reach:
        changed = replace(changed, phone_evidence=_weigh(lead, changed.phone, actor))
    return LeadUpdate(changed, tell_difference(lead, changed, actor))


def _read_contact(lead: Lead, given: Mapping[str, Any], region: str) -> dict[str, str]:
    """Return the new contact, phone and mail address, or an empty dictionary if none of the three is given."""
    if not {"contact", "phone", "email"} & given.keys():
        return {}
    if "contact" in given:
        found = parse_contact(given["contact"], region)
        phone, email = found.phone, found.email
    else:
        phone, email = lead.phone, lead.email
    phone = normalise_phone(given["phone"], region) if "phone" in given else phone
    email = normalise_email(given["email"]) if "email" in given else email
    contact = given.get("contact") or ", ".join(filter(None, (phone, email)))
    return {"contact": contact, "phone": phone, "email": email}


def _weigh(lead: Lead, phone: str, actor: str) -> PhoneEvidence:
    """Return the evidence of a phone that was entered; one that Telegram has verified stays verified."""
    if not phone:
        return PhoneEvidence.NONE
    if phone == lead.phone and lead.phone_evidence is PhoneEvidence.TELEGRAM:
        return PhoneEvidence.TELEGRAM
    return PhoneEvidence.NAMED if actor == BOT else PhoneEvidence.COMPANY


def _tidy(name: str, value: object) -> object:
    # Notes keep their lines; everything else is one.
    return value if not isinstance(value, str) or isinstance(value, LeadStatus) or name == "notes" else clean(value)


def apply_findings(
    lead: Lead, findings: Sequence[Finding], sources: Mapping[int, LeadMessage], terms: Terms
) -> tuple[LeadUpdate, Filled]:
    """Return the lead with the findings that are proven by the person's own messages, and the outcome of each."""
    slots, kept, refused = dict(lead.slots), [], []
    for finding in findings:
        source = sources.get(finding.message_id)
        fault = find_fault(finding, source.text, terms.region) if source else "no message of this person"
        state = terms.thresholds.grade(finding.confidence)
        fault = fault or _find_better(slots.get(finding.slot), finding, state)
        if source is None or fault:
            refused.append(RefusedFinding(finding, fault))
            continue
        read = _load(finding, source, state, terms.now)
        slot = _choose(slots.get(finding.slot), read)
        slots[finding.slot] = slot
        kept.append(slot)
    changed = fill_fields(replace(lead, slots=slots), kept, terms.region, terms.evidence)
    return LeadUpdate(changed, tell_difference(lead, changed, "bot")), Filled(changed, tuple(kept), tuple(refused))


def _find_better(old: LeadSlot | None, finding: Finding, state: SlotState) -> str:
    """Return the reason to keep the value of a field, as a guess does not replace a surer value; else empty."""
    if old is None or old.value == clean(finding.value) or _RANK[state]:
        return ""
    return "a surer value is known" if _RANK[old.state] else ""


def _load(finding: Finding, source: LeadMessage, state: SlotState, now: datetime) -> LeadSlot:
    value, quote = clean(finding.value), clean(finding.quote)
    return LeadSlot(finding.slot, value, finding.confidence, finding.message_id, quote, state, now, source.user_id)


def _choose(old: LeadSlot | None, read: LeadSlot) -> LeadSlot:
    """Return the surer of two proofs of one value; a new value takes the place of the old."""
    return old if old is not None and old.value == read.value and old.confidence >= read.confidence else read


def confirm_slot(lead: Lead, name: str, region: str = DEFAULT_REGION) -> LeadUpdate:
    """Return the lead with a field that the person has confirmed; a missing field changes nothing."""
    slot = lead.slots.get(name)
    if slot is None or slot.state is SlotState.ACCEPTED:
        return LeadUpdate(lead)
    sure = replace(slot, state=SlotState.ACCEPTED)
    changed = fill_fields(replace(lead, slots={**lead.slots, name: sure}), [sure], region)
    return LeadUpdate(changed, tell_difference(lead, changed, "bot"))


def drop_slot(lead: Lead, name: str) -> LeadUpdate:
    """Return the lead without a field that the person has denied."""
    changed = replace(lead, slots={key: slot for key, slot in lead.slots.items() if key != name})
    return LeadUpdate(changed, tell_difference(lead, changed, "bot"))


def fill_fields(
    lead: Lead,
    slots: Iterable[LeadSlot],
    region: str = DEFAULT_REGION,
    evidence: PhoneEvidence = PhoneEvidence.NAMED,
) -> Lead:
    """Return the lead with name and contact taken from the accepted ones among `slots`.

    `evidence` applies to a new phone among them. A phone that the lead had already keeps its evidence, unless Telegram
    has verified it now.
    """
    for slot in slots:
        if slot.state is not SlotState.ACCEPTED:
            continue
        if slot.name == NAME_SLOT:
            lead = replace(lead, name=slot.value)
        elif slot.name in CONTACT_SLOTS:
            found = parse_contact(slot.value, region)
            phone, email = found.phone or lead.phone, found.email or lead.email
            contact = ", ".join(filter(None, (phone, email))) if found.phone or found.email else slot.value
            is_new = bool(found.phone) and (phone != lead.phone or evidence is PhoneEvidence.TELEGRAM)
            ground = evidence if is_new else lead.phone_evidence
            lead = replace(lead, contact=contact, phone=phone, email=email, phone_evidence=ground)
    return lead


def view_for(lead: Lead, user_id: int) -> Lead:
    """Return a lead as a bot may show it to one of its people: without the statements of other people.

    Earlier versions merged the leads of two people with the same phone; a database may still hold such leads.
    """
    own = {name: slot for name, slot in lead.slots.items() if slot.user_id == user_id}
    if user_id != lead.user_id:
        bare = replace(lead, name="", contact="", phone="", email="", notes="", slots=own)
        return fill_fields(bare, own.values())
    foreign = [slot for slot in lead.slots.values() if slot.user_id not in {None, user_id}]
    return _hide(lead, foreign) if foreign else lead


def _hide(lead: Lead, foreign: Sequence[LeadSlot]) -> Lead:
    """Return a lead without the values that come only from the slots of another person."""
    own = {name: slot for name, slot in lead.slots.items() if slot not in foreign}
    bare = replace(lead, name="", contact="", phone="", email="", slots=own)
    said, told = fill_fields(bare, own.values()), fill_fields(bare, foreign)
    names = [name for name in ("name", "phone", "email") if getattr(lead, name) == getattr(told, name) != ""]
    shown = replace(lead, slots=own, **{name: getattr(said, name) for name in names})
    if (shown.phone, shown.email) == (lead.phone, lead.email):
        return shown
    return replace(shown, contact=", ".join(filter(None, (shown.phone, shown.email))))


def tell_difference(old: Lead, new: Lead, actor: str) -> tuple[NewEvent, ...]:
    """Return the events of a change with the old and the new values, so that corrected values are not lost."""
    changed = {
        name: {"old": getattr(old, name), "new": getattr(new, name)}
        for name in _TOLD
        if name not in {"source", "stage"} and getattr(old, name) != getattr(new, name)
    }
    slots = {
        name: {"old": _show(old.slots.get(name)), "new": _show(new.slots.get(name))}
        for name in {**old.slots, **new.slots}
        if old.slots.get(name) != new.slots.get(name)
    }
    events = []
    if changed or slots:
        data: dict[str, object] = {"changed": changed, "slots": slots}
        events.append(lead_event(EventType.LEAD_CHANGED, new, actor, data))
    if old.stage != new.stage:
        stages = {"old_stage": old.stage, "new_stage": new.stage}
        events.append(lead_event(EventType.LEAD_STAGE_CHANGED, new, actor, stages))
    return tuple(events)


def lead_event(kind: EventType, lead: Lead, actor: str, data: Mapping[str, object]) -> NewEvent:
    """Return an event about a lead."""
    about: dict[str, object] = {"lead_id": lead.id, "user_id": lead.user_id, "actor": actor}
    return NewEvent(kind, lead.bot, lead.id, lead.user_id, {**about, **data})


def describe_lead(lead: Lead) -> dict[str, object]:
    """Return a lead as its events carry it."""
    slots = {name: _show(slot) for name, slot in lead.slots.items()}
    return {**{name: getattr(lead, name) for name in _TOLD}, "slots": slots}


def _show(slot: LeadSlot | None) -> dict[str, object] | None:
    if slot is None:
        return None
    names = ("value", "confidence", "message_id", "quote", "state")
    return {name: getattr(slot, name) for name in names}


def merge_leads(first: Lead, others: Sequence[Lead]) -> Lead:
    """Return `first` with the data of the others: values for its empty fields, and the better of two slots.

    Of two slots the surer one wins, of two equally sure ones the newer. Of two statuses, won precedes active, and
    active precedes lost.
    """
    merged = first
    for other in others:
        slots = dict(merged.slots)
        for name, slot in other.slots.items():
            slots[name] = max(slots.get(name, slot), slot, key=_worth)
        latest = max((merged, other), key=lambda lead: lead.updated_at)
        merged = replace(
            merged,
            name=merged.name or other.name,
            contact=merged.contact or other.contact,
            phone=merged.phone or other.phone,
            phone_evidence=_join_evidence(merged, other),
            email=merged.email or other.email,
            owner=merged.owner or other.owner,
            notes="\n\n".join(dict.fromkeys(filter(None, (merged.notes, other.notes)))),
            stage=latest.stage or merged.stage or other.stage,
            status=_join_status(merged.status, other.status),
            fit_score=max(merged.fit_score, other.fit_score),
            slots=slots,
        )
    return merged


def _join_evidence(one: Lead, other: Lead) -> PhoneEvidence:
    if one.phone and one.phone != other.phone:
        return one.phone_evidence
    return max(one.phone_evidence, other.phone_evidence, key=[*PhoneEvidence].index)


def separate_leads(live: Lead, part: Lead, before: Mapping[str, Any], now: datetime) -> tuple[Lead, Lead]:
    """Undo a merge: return a live lead without the values of `part`, and `part` with its person's later statements.

    `before` is the live lead as described by the event of the merge; empty if that is not known any more.
    """
    back = {name: slot for name, slot in live.slots.items() if _is_of(slot, part)}
    kept = {name: slot for name, slot in live.slots.items() if name not in back}
    kept |= {
        name: _restore_slot(name, old, live, now) for name, old in (before.get("slots") or {}).items() if name in back
    }
    revived = fill_fields(replace(part, slots={**part.slots, **back}, merged_into=None), back.values())
    restored = {
        name: before[name]
        for name in _TOLD
        if name not in {"source", "notes"}
        and name in before
        and getattr(live, name) != before[name]
        and getattr(live, name) == getattr(revived, name)
    }
    if "notes" in before and live.notes == "\n\n".join(filter(None, (before["notes"], part.notes))):
        restored["notes"] = before["notes"]
    restored |= {name: kind(restored[name]) for name, kind in _KINDS.items() if name in restored}
    return replace(live, slots=kept, **restored), revived


_KINDS: Mapping[str, Callable[[Any], Any]] = {"status": LeadStatus, "phone_evidence": PhoneEvidence}


def _is_of(slot: LeadSlot, part: Lead) -> bool:
    return part.slots.get(slot.name) == slot or (slot.user_id is not None and slot.user_id == part.user_id)


def _restore_slot(name: str, old: Mapping[str, Any], live: Lead, now: datetime) -> LeadSlot:
    told = {key: old[key] for key in ("value", "confidence", "message_id", "quote")}
    return LeadSlot(name, **told, state=SlotState(old["state"]), extracted_at=now, user_id=live.user_id)


def _worth(slot: LeadSlot) -> tuple[int, float, datetime]:
    return _RANK[slot.state], slot.confidence, slot.extracted_at


def _join_status(one: LeadStatus, other: LeadStatus) -> LeadStatus:
    order = (LeadStatus.WON, LeadStatus.ACTIVE, LeadStatus.LOST)
    return min(one, other, key=order.index)
