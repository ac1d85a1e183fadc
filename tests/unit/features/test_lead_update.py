"""How leads change, and how two become one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beseda.engine.events.model import EventType, NewEvent, redact
from beseda.features.leads.model import (
    Finding,
    Lead,
    LeadChange,
    LeadSlot,
    LeadStatus,
    PhoneEvidence,
    SlotState,
    Thresholds,
)
from beseda.features.leads.update import (
    LeadMessage,
    LeadUpdate,
    Terms,
    apply_change,
    apply_findings,
    confirm_slot,
    describe_lead,
    drop_slot,
    fill_fields,
    merge_leads,
    separate_leads,
    view_for,
)

NOW = datetime(2026, 11, 20, tzinfo=UTC)
LEAD = Lead(1, "sales", 7, "", "", "", "", "telegram", LeadStatus.ACTIVE, "", "", "", 0, 1, NOW, NOW)
PHONE = "+79991234567"


def slot(name: str, value: str, confidence: float = 0.9, minute: int = 0, user_id: int | None = 7) -> LeadSlot:
    when = NOW + timedelta(minutes=minute)
    return LeadSlot(name, value, confidence, 1, value, Thresholds().grade(confidence), when, user_id)


def test_contact_by_hand_is_read() -> None:
    update = apply_change(LEAD, LeadChange(contact="  8 999 123-45-67\tanya@Mail.ru "), "key:1")
    assert (update.lead.phone, update.lead.email) == (PHONE, "anya@mail.ru")
    assert update.lead.contact == "8 999 123-45-67 anya@Mail.ru"
    emptied = apply_change(update.lead, LeadChange(contact=""), "key:1")
    assert (emptied.lead.contact, emptied.lead.phone, emptied.lead.email) == ("", "", "")


def test_change_without_effect_makes_no_event() -> None:
    assert apply_change(LEAD, LeadChange(name="", status=LeadStatus.ACTIVE), "key:1").events == ()


def test_phone_then_mail_make_one_contact() -> None:
    sources = {1: LeadMessage(7, "8 999 123-45-67"), 2: LeadMessage(7, "anya@mail.ru")}
    findings = [Finding("phone", "8 999 123-45-67", 0.9, 1, "8 999"), Finding("email", "anya@mail.ru", 0.9, 2, "anya")]
    update, filled = apply_findings(LEAD, findings, sources, Terms(NOW))
    assert update.lead.contact == f"{PHONE}, anya@mail.ru"
    assert len(filled.accepted) == 2


def test_same_value_heard_again_keeps_the_surer_proof() -> None:
    lead = replace(LEAD, slots={"goal": slot("goal", "рост", 0.95)})
    finding = Finding("goal", "рост", 0.7, 2, "рост")
    update, filled = apply_findings(lead, [finding], {2: LeadMessage(7, "рост")}, Terms(NOW))
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
def test_merging_keeps_the_facts_of_both(order: tuple[int, ...]) -> None:
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


def test_owner_of_a_shared_lead_is_not_shown_the_other_s_words() -> None:
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
    update, filled = apply_findings(
        LEAD, [Finding("name", "Аня", 0.7, 1, "Аня")], {1: LeadMessage(7, "Аня")}, Terms(NOW)
    )
    assert (update.lead.name, filled.to_confirm[0].state) == ("", SlotState.TO_CONFIRM)


def test_change_by_hand_is_reported_field_by_field() -> None:
    change = LeadChange(
        name="\u200bАня ",
        status=LeadStatus.WON,
        stage="summary",
        owner=" Ира",
        notes=" раз\nдва ",
        fit_score=70,
        source="ad  1",
    )
    old = replace(LEAD, stage="new", notes="ноль")
    update = apply_change(old, change, "key:1")
    assert update.lead == replace(
        old,
        name="Аня",
        status=LeadStatus.WON,
        stage="summary",
        owner="Ира",
        notes=" раз\nдва ",
        fit_score=70,
        source="ad 1",
    )
    about = {"lead_id": 1, "user_id": 7, "actor": "key:1"}
    changed = {
        "name": {"old": "", "new": "Аня"},
        "status": {"old": LeadStatus.ACTIVE, "new": LeadStatus.WON},
        "owner": {"old": "", "new": "Ира"},
        "notes": {"old": "ноль", "new": " раз\nдва "},
        "fit_score": {"old": 0, "new": 70},
    }
    assert update.events == (
        NewEvent(EventType.LEAD_CHANGED, "sales", 1, 7, {**about, "changed": changed, "slots": {}}),
        NewEvent(EventType.LEAD_STAGE_CHANGED, "sales", 1, 7, {**about, "old_stage": "new", "new_stage": "summary"}),
    )


def test_new_stage_alone_is_reported_as_such() -> None:
    update = apply_change(LEAD, LeadChange(stage="summary"), "key:1")
    assert [event.type for event in update.events] == [EventType.LEAD_STAGE_CHANGED]


def test_contact_by_hand_is_read_by_the_region_of_the_bot() -> None:
    assert apply_change(LEAD, LeadChange(contact="020 7946 0958"), "key:1", "GB").lead.phone == "+442079460958"
    assert apply_change(LEAD, LeadChange(contact="020 7946 0958"), "key:1").lead.phone == ""


def _findings(lead: Lead, *findings: Finding, region: str = "RU") -> tuple[Lead, list[str], list[str]]:
    sources = {
        1: LeadMessage(7, "я Аня, рост и доход, 8 999 123-45-67, 020 7946 0958, t.me"),
        2: LeadMessage(9, "рост"),
    }
    update, filled = apply_findings(lead, findings, sources, Terms(NOW, region))
    assert filled.lead == update.lead
    return update.lead, [slot.value for slot in filled.kept], [refusal.reason for refusal in filled.refused]


def test_finding_becomes_a_field_with_its_proof() -> None:
    lead, kept, refused = _findings(LEAD, Finding("goal", " рост\u200b", 0.9, 2, "рост "))
    assert lead.slots == {"goal": LeadSlot("goal", "рост", 0.9, 2, "рост", SlotState.ACCEPTED, NOW, 9)}
    assert (kept, refused) == (["рост"], [])
    update, _ = apply_findings(LEAD, [Finding("goal", "рост", 0.9, 2, "рост")], {2: LeadMessage(9, "рост")}, Terms(NOW))
    shown = {"value": "рост", "confidence": 0.9, "message_id": 2, "quote": "рост", "state": SlotState.ACCEPTED}
    about = {"lead_id": 1, "user_id": 7, "actor": "bot"}
    data = {**about, "changed": {}, "slots": {"goal": {"old": None, "new": shown}}}
    assert update.events == (NewEvent(EventType.LEAD_CHANGED, "sales", 1, 7, data),)


def test_finding_without_proof_is_refused_with_its_reason() -> None:
    findings = [
        Finding("goal", "рост", 0.9, 5, "рост"),
        Finding("goal", "слава", 0.9, 1, "слава"),
        Finding("name", "Аня", 0.9, 1, "Аня"),
    ]
    lead, kept, refused = _findings(LEAD, *findings)
    assert (lead.name, kept) == ("Аня", ["Аня"])
    assert refused == ["no message of this person", "the quote does not stand in the message"]


@pytest.mark.parametrize(
    ("old", "confidence", "value", "refused"),
    [
        (0.9, 0.3, "рост", ["a surer value is known"]),
        (0.7, 0.3, "рост", ["a surer value is known"]),
        (0.3, 0.3, "доход", []),
        (0.9, 0.7, "доход", []),
        (0.9, 0.6, "доход", []),
    ],
)
def test_guess_does_not_overwrite_a_clear_value(old: float, confidence: float, value: str, refused: list[str]) -> None:
    lead = replace(LEAD, slots={"goal": slot("goal", "рост", old)})
    new = "доход"
    changed, _, reasons = _findings(lead, Finding("goal", new, confidence, 1, new))
    assert (changed.slots["goal"].value, reasons) == (value, refused)


@pytest.mark.parametrize(("confidence", "message"), [(0.9, 4), (0.89, 4), (0.91, 1)])
def test_surer_of_two_proofs_of_one_value_is_kept(confidence: float, message: int) -> None:
    lead = replace(LEAD, slots={"goal": replace(slot("goal", "рост"), message_id=4)})
    changed, _, reasons = _findings(lead, Finding("goal", " рост", confidence, 1, "рост"))
    assert (changed.slots["goal"].message_id, reasons) == (message, [])


def test_guess_of_the_same_value_is_no_surer_and_no_fault() -> None:
    lead = replace(LEAD, slots={"goal": slot("goal", "рост")})
    assert _findings(lead, Finding("goal", "рост", 0.3, 1, "рост")) == (lead, ["рост"], [])


def test_phone_is_read_by_the_region_of_the_bot() -> None:
    finding = Finding("phone", "020 7946 0958", 0.9, 1, "020 7946 0958")
    assert _findings(LEAD, finding, region="GB")[0].phone == "+442079460958"


def test_contact_that_is_no_phone_stands_as_it_was_written() -> None:
    lead = replace(LEAD, contact=PHONE, phone=PHONE, email="a@b.ru")
    changed = fill_fields(lead, [slot("goal", "рост"), slot("contact", "@anna_iv")])
    assert (changed.contact, changed.phone, changed.email, changed.name) == ("@anna_iv", PHONE, "a@b.ru", "")
    changed = fill_fields(lead, [slot("contact", "c@d.ru"), slot("name", "Аня"), slot("name", "Оля", 0.7)])
    assert (changed.contact, changed.phone, changed.email, changed.name) == (f"{PHONE}, c@d.ru", PHONE, "c@d.ru", "Аня")
    changed = fill_fields(LEAD, [slot("name", "Оля", 0.7), slot("phone", "020 7946 0958")], "GB")
    assert (changed.contact, changed.phone, changed.name) == ("+442079460958", "+442079460958", "")


def test_field_that_the_person_confirms_is_accepted() -> None:
    soft = slot("name", "Аня", 0.7)
    lead = replace(LEAD, slots={"name": soft, "goal": slot("goal", "рост")})
    update = confirm_slot(lead, "name")
    sure = replace(soft, state=SlotState.ACCEPTED)
    assert update.lead == replace(lead, name="Аня", slots={"goal": lead.slots["goal"], "name": sure})
    [event] = update.events
    assert (event.type, event.data["actor"]) == (EventType.LEAD_CHANGED, "bot")
    assert confirm_slot(lead, "goal") == LeadUpdate(lead)
    assert confirm_slot(lead, "budget") == LeadUpdate(lead)
    phone = replace(LEAD, slots={"phone": slot("phone", "020 7946 0958", 0.7)})
    assert confirm_slot(phone, "phone", "GB").lead.phone == "+442079460958"


def test_field_that_the_person_denies_is_gone() -> None:
    lead = replace(LEAD, slots={"name": slot("name", "Аня", 0.7), "goal": slot("goal", "рост")})
    update = drop_slot(lead, "name")
    assert update.lead == replace(lead, slots={"goal": lead.slots["goal"]})
    [event] = update.events
    assert event.data["slots"] == {"name": {"old": describe_lead(lead)["slots"]["name"], "new": None}}  # type: ignore[index]
    assert event.data["actor"] == "bot"
    assert drop_slot(lead, "budget") == LeadUpdate(lead)


def test_lead_is_described_with_all_its_fields() -> None:
    lead = replace(LEAD, name="Аня", owner="Ира", fit_score=5, slots={"goal": slot("goal", "рост")})
    assert describe_lead(lead) == {
        "name": "Аня",
        "contact": "",
        "phone": "",
        "email": "",
        "phone_evidence": PhoneEvidence.NONE,
        "source": "telegram",
        "status": LeadStatus.ACTIVE,
        "stage": "",
        "owner": "Ира",
        "notes": "",
        "fit_score": 5,
        "slots": {
            "goal": {"value": "рост", "confidence": 0.9, "message_id": 1, "quote": "рост", "state": SlotState.ACCEPTED}
        },
    }


def test_own_words_stay_if_another_has_named_the_same() -> None:
    own, foreign = slot("phone", PHONE, user_id=7), slot("contact", f"{PHONE}, b@b.ru", user_id=8)
    lead = replace(LEAD, name="Аня", contact=f"{PHONE}, b@b.ru", phone=PHONE, email="b@b.ru")
    lead = replace(lead, slots={"phone": own, "contact": foreign})
    seen = view_for(lead, 7)
    assert (seen.name, seen.contact, seen.phone, seen.email) == ("Аня", PHONE, PHONE, "")
    named = replace(LEAD, name="Аня", contact="как удобно", slots={"name": slot("name", "Оля", user_id=8)})
    seen = view_for(named, 7)
    assert (seen.name, seen.contact, dict(seen.slots)) == ("Аня", "как удобно", {})
    assert view_for(lead, 9) == replace(lead, name="", contact="", phone="", email="", slots={})


@pytest.mark.parametrize(
    ("one", "other", "worth"),
    [
        (replace(slot("goal", "a", 0.7), state=SlotState.ACCEPTED), slot("goal", "b", 0.75), "a"),
        (replace(slot("goal", "a", 0.3), state=SlotState.TO_CONFIRM), slot("goal", "b", 0.5), "a"),
        (slot("goal", "a", 0.9, 0), slot("goal", "b", 0.9, 1), "b"),
        (slot("goal", "a", 0.95, 0), slot("goal", "b", 0.9, 1), "a"),
        (slot("goal", "a"), slot("goal", "b"), "a"),
    ],
)
def test_better_of_two_fields_is_kept(one: LeadSlot, other: LeadSlot, worth: str) -> None:
    first, second = replace(LEAD, slots={"goal": one}), replace(LEAD, id=2, slots={"goal": other})
    assert merge_leads(first, [second]).slots["goal"].value == worth


@pytest.mark.parametrize(
    ("stage", "other_stage", "minutes", "merged"),
    [
        ("new", "summary", 1, "summary"),
        ("new", "summary", 0, "new"),
        ("new", "summary", -1, "new"),
        ("new", "", 1, "new"),
        ("", "summary", -1, "summary"),
    ],
)
def test_merged_lead_is_in_the_latest_stage(stage: str, other_stage: str, minutes: int, merged: str) -> None:
    other = replace(LEAD, id=2, stage=other_stage, updated_at=NOW + timedelta(minutes=minutes))
    assert merge_leads(replace(LEAD, stage=stage), [other]).stage == merged


@pytest.mark.parametrize(
    ("one", "other", "merged"),
    [
        (LeadStatus.WON, LeadStatus.ACTIVE, LeadStatus.WON),
        (LeadStatus.LOST, LeadStatus.ACTIVE, LeadStatus.ACTIVE),
        (LeadStatus.LOST, LeadStatus.WON, LeadStatus.WON),
        (LeadStatus.LOST, LeadStatus.LOST, LeadStatus.LOST),
    ],
)
def test_lead_that_is_worked_on_stays_active(one: LeadStatus, other: LeadStatus, merged: LeadStatus) -> None:
    assert merge_leads(replace(LEAD, status=one), [replace(LEAD, id=2, status=other)]).status is merged


def test_first_lead_s_own_fields_stand() -> None:
    first = replace(LEAD, name="Аня", contact="c", phone="1", email="a@b.ru", owner="Ира", notes="раз", fit_score=3)
    other = replace(
        LEAD, id=2, name="Оля", contact="d", phone="2", email="c@d.ru", owner="Яна", notes="два", fit_score=2
    )
    assert merge_leads(first, [other]) == replace(first, notes="раз\n\nдва")
    assert merge_leads(first, []) == first
    assert merge_leads(LEAD, [first, first]) == replace(first, id=1)


def test_phone_and_mail_by_hand_make_the_contact() -> None:
    both = apply_change(LEAD, LeadChange(phone="8 999 123-45-67", email="anya@Mail.ru"), "key:1").lead
    assert (both.contact, both.phone, both.email) == (f"{PHONE}, anya@mail.ru", PHONE, "anya@mail.ru")
    other = apply_change(both, LeadChange(email="b@b.ru"), "key:1").lead
    assert (other.contact, other.phone, other.email) == (f"{PHONE}, b@b.ru", PHONE, "b@b.ru")
    other = apply_change(both, LeadChange(phone=""), "key:1").lead
    assert (other.contact, other.phone, other.email) == ("anya@mail.ru", "", "anya@mail.ru")
    named = apply_change(both, LeadChange(contact="как удобно", phone="020 7946 0958"), "key:1", "GB").lead
    assert (named.contact, named.phone, named.email) == ("как удобно", "+442079460958", "")


@pytest.mark.parametrize(
    ("old", "phone", "actor", "evidence"),
    [
        (PhoneEvidence.NONE, PHONE, "key:1", PhoneEvidence.COMPANY),
        (PhoneEvidence.NAMED, PHONE, "key:1", PhoneEvidence.COMPANY),
        (PhoneEvidence.TELEGRAM, PHONE, "key:1", PhoneEvidence.TELEGRAM),
        (PhoneEvidence.TELEGRAM, "+79991234568", "key:1", PhoneEvidence.COMPANY),
        (PhoneEvidence.TELEGRAM, "+79991234568", "bot", PhoneEvidence.NAMED),
        (PhoneEvidence.TELEGRAM, "", "key:1", PhoneEvidence.NONE),
    ],
)
def test_phone_by_hand_is_the_company_s_word(
    old: PhoneEvidence, phone: str, actor: str, evidence: PhoneEvidence
) -> None:
    lead = replace(LEAD, phone=PHONE, contact=PHONE, phone_evidence=old)
    assert apply_change(lead, LeadChange(phone=phone), actor).lead.phone_evidence is evidence
    assert apply_change(lead, LeadChange(name="Аня"), actor).lead.phone_evidence is old


@pytest.mark.parametrize(
    ("phone", "old", "new", "evidence"),
    [
        ("", PhoneEvidence.NONE, PhoneEvidence.NAMED, PhoneEvidence.NAMED),
        (PHONE, PhoneEvidence.COMPANY, PhoneEvidence.NAMED, PhoneEvidence.COMPANY),
        (PHONE, PhoneEvidence.NAMED, PhoneEvidence.TELEGRAM, PhoneEvidence.TELEGRAM),
        ("+79991234568", PhoneEvidence.TELEGRAM, PhoneEvidence.NAMED, PhoneEvidence.NAMED),
    ],
)
def test_phone_of_a_conversation_stands_on_its_source(
    phone: str, old: PhoneEvidence, new: PhoneEvidence, evidence: PhoneEvidence
) -> None:
    lead = replace(LEAD, phone=phone, phone_evidence=old)
    assert fill_fields(lead, [slot("phone", PHONE)], evidence=new).phone_evidence is evidence
    assert fill_fields(lead, [slot("email", "a@b.ru")], evidence=new).phone_evidence is old
    terms = Terms(NOW, evidence=new)
    update, _ = apply_findings(lead, [Finding("phone", PHONE, 0.9, 1, PHONE)], {1: LeadMessage(7, PHONE)}, terms)
    assert update.lead.phone_evidence is evidence
    assert fill_fields(LEAD, [slot("phone", PHONE)]).phone_evidence is PhoneEvidence.NAMED
    assert Terms(NOW).evidence is PhoneEvidence.NAMED


@pytest.mark.parametrize(
    ("phone", "other_phone", "evidence"),
    [
        (PHONE, "+79991234568", PhoneEvidence.NAMED),
        (PHONE, PHONE, PhoneEvidence.TELEGRAM),
        ("", PHONE, PhoneEvidence.TELEGRAM),
    ],
)
def test_merged_phone_stands_on_the_better_evidence(phone: str, other_phone: str, evidence: PhoneEvidence) -> None:
    one = replace(LEAD, phone=phone, phone_evidence=PhoneEvidence.NAMED)
    other = replace(LEAD, id=2, phone=other_phone, phone_evidence=PhoneEvidence.TELEGRAM)
    assert merge_leads(one, [other]).phone_evidence is evidence
    if phone == other_phone:
        assert merge_leads(other, [one]).phone_evidence is evidence


def test_separated_leads_are_as_they_were_before_the_merge() -> None:
    later = NOW + timedelta(hours=1)
    first = replace(LEAD, name="Аня", notes="раз", fit_score=3, slots={"goal": slot("goal", "рост", 0.7)})
    part = replace(
        LEAD,
        id=2,
        user_id=8,
        phone=PHONE,
        contact=PHONE,
        phone_evidence=PhoneEvidence.NAMED,
        owner="Ира",
        notes="два",
        fit_score=30,
        status=LeadStatus.WON,
        slots={"goal": slot("goal", "доход", user_id=8), "phone": slot("phone", PHONE, user_id=8)},
    )
    merged = merge_leads(first, [part])
    live, revived = separate_leads(merged, replace(part, merged_into=1), describe_lead(first), later)
    goal = replace(first.slots["goal"], extracted_at=later)
    assert live == replace(first, slots={"goal": goal})
    assert (type(live.status), type(live.phone_evidence)) == (LeadStatus, PhoneEvidence)
    assert revived == part


def test_separated_leads_keep_later_changes() -> None:
    first = replace(LEAD, name="Аня", notes="раз", slots={"goal": slot("goal", "рост")})
    part = replace(LEAD, id=2, user_id=8, owner="Ира", notes="два", slots={"budget": slot("budget", "1", user_id=None)})
    merged = merge_leads(first, [part])
    since = slot("name", "Борис", user_id=8)
    changed = replace(merged, owner="Яна", notes="три", slots={**merged.slots, "name": since})
    live, revived = separate_leads(changed, part, describe_lead(first), NOW)
    assert (live.owner, live.notes, live.name, set(live.slots)) == ("Яна", "три", "Аня", {"goal"})
    assert (revived.name, revived.owner, set(revived.slots)) == ("Борис", "Ира", {"budget", "name"})
    unknown, _ = separate_leads(merged, part, {}, NOW)
    assert unknown == replace(merged, slots={"goal": first.slots["goal"]})


def test_entered_fields_of_the_live_lead_stay_with_it() -> None:
    entered = slot("budget", "1", user_id=None)
    # A lead of the company's has no person either: fields without an author are its own only where they are the same.
    part = replace(LEAD, id=2, user_id=None, slots={"goal": slot("goal", "доход", user_id=None)})
    live, revived = separate_leads(replace(LEAD, slots={"budget": entered}), part, {}, NOW)
    assert (set(live.slots), set(revived.slots)) == ({"budget"}, {"goal"})
