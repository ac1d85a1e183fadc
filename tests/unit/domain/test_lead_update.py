"""How leads change, and how two become one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beseda.domain.event import redact
from beseda.domain.lead import Finding, Lead, LeadChange, LeadSlot, LeadStatus, SlotState, Thresholds
from beseda.domain.lead_update import Source, Terms, apply_change, apply_findings, describe_lead, merge_leads, view_for

NOW = datetime(2026, 11, 20, tzinfo=UTC)
LEAD = Lead(1, "sales", 7, "", "", "", "", "telegram", LeadStatus.ACTIVE, "", "", "", 0, 1, NOW, NOW)
PHONE = "+79991234567"


def slot(name: str, value: str, confidence: float = 0.9, minute: int = 0, user_id: int = 7) -> LeadSlot:
    when = NOW + timedelta(minutes=minute)
    return LeadSlot(name, value, confidence, 1, value, Thresholds().grade(confidence), when, user_id)


def test_contact_by_hand_is_read() -> None:
    update = apply_change(LEAD, LeadChange(contact="  8 999 123-45-67\tanya@Mail.ru "), "key:1")
    assert (update.lead.phone, update.lead.email) == (PHONE, "anya@mail.ru")
    assert update.lead.contact == "8 999 123-45-67 anya@Mail.ru"
    emptied = apply_change(update.lead, LeadChange(contact=""), "key:1")
    assert (emptied.lead.contact, emptied.lead.phone, emptied.lead.email) == ("", "", "")


def test_change_that_changes_nothing_tells_nothing() -> None:
    assert apply_change(LEAD, LeadChange(name="", status=LeadStatus.ACTIVE), "key:1").events == ()


def test_phone_then_mail_make_one_contact() -> None:
    sources = {1: Source(7, "8 999 123-45-67"), 2: Source(7, "anya@mail.ru")}
    findings = [Finding("phone", "8 999 123-45-67", 0.9, 1, "8 999"), Finding("email", "anya@mail.ru", 0.9, 2, "anya")]
    update, filled = apply_findings(LEAD, findings, sources, Terms(NOW))
    assert update.lead.contact == f"{PHONE}, anya@mail.ru"
    assert len(filled.accepted) == 2


def test_same_value_heard_again_keeps_the_surer_proof() -> None:
    lead = replace(LEAD, slots={"goal": slot("goal", "рост", 0.95)})
    finding = Finding("goal", "рост", 0.7, 2, "рост")
    update, filled = apply_findings(lead, [finding], {2: Source(7, "рост")}, Terms(NOW))
    assert (update.lead, update.events) == (lead, ())
    assert filled.kept[0].confidence == 0.95


SLOTS = st.builds(
    slot,
    st.sampled_from(["goal", "budget"]),
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from([0.3, 0.7, 0.9]),
    st.integers(0, 3),
)


@given(st.lists(SLOTS, min_size=1, max_size=3), st.lists(SLOTS, min_size=1, max_size=3))
def test_surer_then_newer_slot_wins(one: list[LeadSlot], other: list[LeadSlot]) -> None:
    first = replace(LEAD, slots={item.name: item for item in one})
    second = replace(LEAD, id=2, slots={item.name: item for item in other})
    merged = merge_leads(first, [second])
    assert set(merged.slots) == set(first.slots) | set(second.slots)
    for name, kept in merged.slots.items():
        for lead in (first, second):
            if name in lead.slots:
                rival = lead.slots[name]
                assert (kept.confidence, kept.extracted_at) >= (rival.confidence, rival.extracted_at)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_merging_keeps_what_anybody_knows(order: tuple[int, ...]) -> None:
    leads = [
        replace(LEAD, name="Аня", notes="раз", fit_score=30),
        replace(LEAD, id=2, phone=PHONE, owner="Ира", status=LeadStatus.WON, notes="два"),
        replace(LEAD, id=3, email="a@b.ru", status=LeadStatus.LOST, stage="summary", updated_at=NOW + timedelta(1)),
    ]
    first, *others = [leads[number] for number in order]
    merged = merge_leads(first, others)
    assert (merged.id, merged.name, merged.phone, merged.email) == (first.id, "Аня", PHONE, "a@b.ru")
    assert (merged.owner, merged.status, merged.stage, merged.fit_score) == ("Ира", LeadStatus.WON, "summary", 30)
    assert set(merged.notes.split("\n\n")) == {"раз", "два"}


def test_one_of_two_is_shown_only_their_own_words() -> None:
    own, foreign = slot("email", "b@b.ru", user_id=8), slot("name", "Аня", user_id=7)
    lead = replace(LEAD, name="Аня", notes="важная", slots={"email": own, "name": foreign})
    seen = view_for(lead, 8)
    assert (seen.name, seen.email, seen.notes, set(seen.slots)) == ("", "b@b.ru", "", {"email"})
    assert view_for(lead, 7) == replace(lead, slots={"name": foreign})


def test_owner_of_a_shared_lead_is_not_shown_what_the_other_has_said() -> None:
    foreign = {"name": slot("name", "Борис", user_id=8), "email": slot("email", "b@b.ru", user_id=8)}
    own = slot("phone", PHONE, user_id=7)
    contact = f"{PHONE}, b@b.ru"
    lead = replace(LEAD, name="Борис", contact=contact, phone=PHONE, email="b@b.ru", slots={**foreign, "phone": own})
    seen = view_for(lead, 7)
    assert (seen.name, seen.contact, seen.phone, seen.email) == ("", PHONE, PHONE, "")
    assert set(seen.slots) == {"phone"}
    entered = replace(lead, slots={"phone": replace(own, user_id=None)})
    assert view_for(entered, 7) == entered


def test_redacted_events_hold_nothing_personal() -> None:
    lead = replace(LEAD, name="Аня", contact=PHONE, phone=PHONE, notes="x", slots={"name": slot("name", "Аня")})
    shown = redact({"lead_id": 1, "old_stage": "a", **describe_lead(lead), "text": "Аня"})
    assert shown["redacted"] is True
    assert "Аня" not in str(shown)
    assert PHONE not in str(shown)
    assert (shown["lead_id"], shown["old_stage"]) == (1, "a")


def test_soft_name_does_not_become_the_leads_name() -> None:
    update, filled = apply_findings(LEAD, [Finding("name", "Аня", 0.7, 1, "Аня")], {1: Source(7, "Аня")}, Terms(NOW))
    assert (update.lead.name, filled.to_confirm[0].state) == ("", SlotState.TO_CONFIRM)
