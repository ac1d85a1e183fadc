"""Leads over both databases: proof, history, duplicates, totals, lists, and two processes at once."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import orjson
import pytest
from sqlalchemy import func, select

from beseda.app_personal_data import PERSONAL_DATA
from beseda.core.chat import ChatKey, ChatKind, Person
from beseda.core.errors import MergeRefusedError, NotFoundError, StaleVersionError
from beseda.db.database import Database
from beseda.engine.conversations.repository import ConversationRepository
from beseda.engine.conversations.tables import messages
from beseda.engine.events.model import EventFilter, EventType
from beseda.engine.events.repository import EventRepository
from beseda.engine.files.model import FileOwner
from beseda.features.leads.model import (
    ConsentKind,
    Finding,
    Lead,
    LeadChange,
    LeadFilter,
    LeadPage,
    LeadRecord,
    LeadSort,
    LeadStatus,
    Merge,
    NewLead,
    PhoneEvidence,
    PossibleDuplicate,
    SlotState,
)
from beseda.features.leads.personal_data import find_records
from beseda.features.leads.repository import LeadRepository
from beseda.features.leads.service import LeadService
from beseda.features.leads.tables import lead_totals, leads
from beseda.features.personal_data.repository import PersonalDataRepository
from beseda.testing.clock import ManualClock
from tests.contract.storage.world import BOT, World

ANYA, BORYA = Person(7, "Аня"), Person(8, "Боря")


@dataclass
class Office:
    """The service over one database, and people who write to the bot."""

    world: World
    clock: ManualClock
    leads: LeadService

    async def records(self, owner: FileOwner) -> list[LeadRecord]:
        """Return the leads that are handed over to their person."""
        return await self.world.database.write(lambda connection: find_records(connection, owner))

    async def hear(self, person: Person, text: str, *, bot: str = BOT) -> int:
        """Return the id of a message that a person has written."""
        conversations = ConversationRepository(self.world.database)
        chat = await conversations.open(ChatKey(bot, person.id), ChatKind.PRIVATE, "", person)
        turn = await self.world.receive(chat, text)
        query = select(messages.c.id).where(messages.c.turn_id == turn.id)
        number: int = await self.world.database.read(lambda connection: connection.execute(query).scalar_one())
        return number

    async def tell(
        self,
        person: Person,
        slot: str,
        value: str,
        *,
        sure: float = 0.9,
        evidence: PhoneEvidence = PhoneEvidence.NAMED,
    ) -> Lead:
        """Fill a field with what a person has just written."""
        lead = await self.leads.for_user(BOT, person)
        number = await self.hear(person, value)
        filled = await self.leads.fill(lead.id, [Finding(slot, value, sure, number, value)], evidence=evidence)
        assert filled.refused == ()
        return await self.leads.find(filled.lead.id)

    async def types(self, lead_id: int) -> list[str]:
        """Return what has happened to a lead, the first first."""
        events, count = await self.leads.events(lead_id)
        assert count == len(events)
        return [event.type.value for event in reversed(events)]

    async def totals(self) -> dict[tuple[str, str, str], int]:
        """Return the kept totals, having compared them with a count."""
        key = (lead_totals.c.bot, lead_totals.c.status, lead_totals.c.stage)
        kept = select(*key, lead_totals.c.count).where(lead_totals.c.count != 0)
        key = (leads.c.bot, leads.c.status, leads.c.stage)
        counted = select(*key, func.count()).where(leads.c.merged_into.is_(None)).group_by(*key)
        read = self.world.database.read
        one = {tuple(row[:3]): row[3] for row in await read(lambda connection: connection.execute(kept).all())}
        two = {tuple(row[:3]): row[3] for row in await read(lambda connection: connection.execute(counted).all())}
        assert one == two
        return one


def build_service(database: Database, clock: ManualClock) -> LeadService:
    return LeadService(LeadRepository(database, clock), EventRepository(database, clock), clock)


@pytest.fixture
def office(world: World) -> Office:
    clock = ManualClock()
    return Office(world, clock, build_service(world.database, clock))


@pytest.fixture
async def replica(database_url: str, office: Office) -> AsyncIterator[LeadService]:
    """The service of another process over the same database."""
    database = await Database.open(database_url)
    yield build_service(database, office.clock)
    await database.close()


async def test_lead_is_made_once(office: Office) -> None:
    lead = await office.leads.for_user(BOT, ANYA)
    assert (lead.name, lead.status, lead.source, lead.version) == ("Аня", LeadStatus.ACTIVE, "telegram", 1)
    assert await office.leads.for_user(BOT, ANYA) == lead
    assert (await office.leads.for_user("other", ANYA)).id != lead.id
    assert await office.types(lead.id) == ["lead.created"]


async def test_field_points_at_its_message(office: Office) -> None:
    lead = await office.leads.for_user(BOT, ANYA)
    number = await office.hear(ANYA, "Нас двадцать пять человек, я Анна, пишите на anya@Mail.ru")
    filled = await office.leads.fill(
        lead.id,
        [
            Finding("people", "25", 0.95, number, "двадцать пять человек"),
            Finding("name", "Анна", 0.8, number, "я Анна"),
            Finding("email", "anya@mail.ru", 0.7, number, "anya@Mail.ru"),
            Finding("goal", "рост", 0.3, number, "пишите"),
        ],
    )
    assert [slot.state for slot in filled.kept] == ["accepted", "accepted", "to_confirm", "to_ask"]
    found = await office.leads.find(lead.id)
    assert found == filled.lead
    assert (found.name, found.email) == ("Анна", "")
    slot = found.slots["people"]
    assert (slot.value, slot.message_id, slot.quote, slot.user_id) == ("25", number, "двадцать пять человек", 7)
    sure = await office.leads.confirm(lead.id, "email")
    assert (sure.email, sure.contact, sure.slots["email"].state) == ("anya@mail.ru", "anya@mail.ru", "accepted")


async def test_value_without_a_message_is_refused(office: Office) -> None:
    lead = await office.leads.for_user(BOT, ANYA)
    own = await office.hear(ANYA, "мой номер 8 999 123-45-67")
    foreign = await office.hear(BORYA, "мой номер 8 999 123-45-60")
    elsewhere = await office.hear(ANYA, "мой номер 8 999 123-45-61", bot="other")
    findings = [
        Finding("phone", "+79991234568", 0.9, own, "мой номер"),
        Finding("phone", "+79991234560", 0.9, foreign, "8 999 123-45-60"),
        Finding("phone", "+79991234561", 0.9, elsewhere, "8 999 123-45-61"),
        Finding("name", "Боря", 0.9, own, "мой номер"),
        Finding("goal", "рост", 0.9, 10**9, "рост"),
    ]
    filled = await office.leads.fill(lead.id, findings)
    assert [refusal.finding for refusal in filled.refused] == findings
    assert all(refusal.reason for refusal in filled.refused)
    assert await office.leads.find(lead.id) == lead
    assert await office.types(lead.id) == ["lead.created"]


async def test_answers_of_the_bot_prove_nothing(office: Office) -> None:
    lead = await office.leads.for_user(BOT, ANYA)
    chat = await office.world.open_conversation(7)
    turn = await office.world.talk(chat, "привет", "Вы Мария?")
    query = select(messages.c.id).where(messages.c.turn_id == turn.id, messages.c.role == "assistant")
    number: int = await office.world.database.read(lambda connection: connection.execute(query).scalar_one())
    filled = await office.leads.fill(lead.id, [Finding("name", "Мария", 0.9, number, "Мария")])
    assert len(filled.refused) == 1


async def test_corrected_value_stays_in_the_history(office: Office) -> None:
    await office.tell(ANYA, "company", "Ромашка")
    lead = await office.tell(ANYA, "company", "Лютик")
    assert lead.slots["company"].value == "Лютик"
    events, _ = await office.leads.events(lead.id)
    change = events[0].data["slots"]
    assert isinstance(change, dict)
    assert (change["company"]["old"]["value"], change["company"]["new"]["value"]) == ("Ромашка", "Лютик")


async def test_guess_does_not_replace_a_clear_value(office: Office) -> None:
    lead = await office.tell(ANYA, "company", "Ромашка")
    number = await office.hear(ANYA, "может Лютик")
    filled = await office.leads.fill(lead.id, [Finding("company", "Лютик", 0.4, number, "Лютик")])
    assert filled.lead.slots["company"].value == "Ромашка"
    assert len(filled.refused) == 1


async def test_deleted_message_leaves_the_field(office: Office) -> None:
    lead = await office.tell(ANYA, "company", "Ромашка")
    await office.world.conversations.clear(await office.world.open_conversation(7))
    slot = (await office.leads.find(lead.id)).slots["company"]
    assert (slot.value, slot.message_id) == ("Ромашка", None)


async def test_change_by_hand_is_guarded_by_its_version(office: Office) -> None:
    lead = await office.leads.for_user(BOT, ANYA)
    change = LeadChange(name="<b>Анна</b>'; DROP TABLE leads;--", contact="8 (999) 123-45-67 anya@X.ru", owner="ira")
    changed = await office.leads.change(lead.id, change, versions={lead.version}, actor="api:1")
    assert (changed.name, changed.phone, changed.email) == (change.name, "+79991234567", "anya@x.ru")
    with pytest.raises(StaleVersionError):
        await office.leads.change(lead.id, LeadChange(notes="x"), versions={lead.version}, actor="api:1")
    with pytest.raises(StaleVersionError):
        await office.leads.delete(lead.id, versions={lead.version}, actor="api:1")
    won = await office.leads.change(lead.id, LeadChange(status=LeadStatus.WON), actor="api:1")
    assert (won.version, won.owner, won.status) == (changed.version + 1, "ira", LeadStatus.WON)
    assert await office.leads.change(lead.id, LeadChange(owner="ira"), actor="api:1") == won


async def test_stages_have_a_beginning_and_an_end(office: Office) -> None:
    lead = await office.leads.for_user(BOT, ANYA)
    for stage in ("greeting", "discovery", "discovery"):
        office.clock.shift(60)
        await office.leads.enter_stage(lead.id, stage)
    first, second = await office.leads.stages(lead.id)
    assert (first.stage, second.stage, second.exited_at) == ("greeting", "discovery", None)
    assert first.exited_at == second.entered_at
    assert await office.types(lead.id) == ["lead.created", "lead.stage_changed", "lead.stage_changed"]
    assert await office.totals() == {(BOT, "active", "discovery"): 1}


@pytest.mark.parametrize(
    ("slot", "one", "other"),
    [("phone", "+7 999 123-45-67", "8(999)1234567"), ("email", "Anya@mail.ru", "anya@MAIL.RU")],
)
async def test_named_contact_of_another_moves_nothing(office: Office, slot: str, one: str, other: str) -> None:
    await office.tell(BORYA, "company", "Лютик")
    await office.tell(ANYA, "company", "Ромашка")
    anya = await office.tell(ANYA, slot, one)
    borya = await office.tell(BORYA, slot, other)
    assert (borya.id != anya.id, await office.leads.find(anya.id)) == (True, anya)
    assert list(await office.leads.duplicates(anya.id)) == [PossibleDuplicate(borya.id, (slot,))]
    assert list(await office.leads.duplicates(borya.id)) == [PossibleDuplicate(anya.id, (slot,))]
    assert (await office.types(borya.id))[-1] == "lead.possible_duplicate"
    assert "lead.merged" not in [*await office.types(anya.id), *await office.types(borya.id)]
    assert await office.totals() == {(BOT, "active", ""): 2}


async def test_phone_that_telegram_has_verified_in_both_makes_two_one(office: Office) -> None:
    await office.tell(BORYA, "company", "Лютик", sure=0.9)
    office.clock.shift(60)
    first = await office.tell(ANYA, "company", "Ромашка", sure=0.8)
    await office.tell(ANYA, "phone", "+7 999 123-45-67", evidence=PhoneEvidence.TELEGRAM)
    borya = await office.leads.for_user(BOT, BORYA)
    assert borya.id < first.id
    merged = await office.tell(BORYA, "phone", "8(999)1234567", evidence=PhoneEvidence.TELEGRAM)
    assert (merged.id, merged.phone_evidence) == (borya.id, PhoneEvidence.TELEGRAM)
    assert (merged.slots["company"].value, merged.slots["phone"].user_id) == ("Лютик", 8)
    trace = await office.leads.find(first.id)
    assert (trace.merged_into, trace.slots["company"].value) == (merged.id, "Ромашка")
    assert "lead.merged" in await office.types(merged.id)
    assert await office.totals() == {(BOT, "active", ""): 1}


@pytest.mark.parametrize("victim_first", [True, False])
async def test_verified_phone_does_not_merge_with_a_merely_named_one(office: Office, *, victim_first: bool) -> None:
    steps = [(ANYA, PhoneEvidence.TELEGRAM), (BORYA, PhoneEvidence.NAMED)]
    for person, evidence in steps if victim_first else reversed(steps):
        await office.tell(person, "phone", "+7 999 123-45-67", evidence=evidence)
    anya, borya = await office.leads.for_user(BOT, ANYA), await office.leads.for_user(BOT, BORYA)
    assert anya.id != borya.id
    assert (anya.phone_evidence, borya.phone_evidence) == (PhoneEvidence.TELEGRAM, PhoneEvidence.NAMED)


async def test_verified_phone_finds_the_lead_entered_by_the_company(office: Office) -> None:
    entered = await office.leads.open(NewLead(BOT, None, name="Анна из CRM", contact="8 999 123-45-67", actor="key:1"))
    assert (entered.is_new, entered.lead.user_id, entered.lead.phone_evidence) == (True, None, PhoneEvidence.COMPANY)
    await office.leads.change(entered.lead.id, LeadChange(notes="постоянный клиент"), actor="key:1")
    lead = await office.tell(ANYA, "phone", "+7 999 123-45-67", evidence=PhoneEvidence.TELEGRAM)
    assert (lead.user_id, lead.notes, lead.name) == (ANYA.id, "постоянный клиент", "Аня")
    assert (await office.leads.find(entered.lead.id)).merged_into == lead.id
    again = await office.leads.open(NewLead(BOT, None, contact="8 999 123-45-67", actor="key:1"))
    assert again.is_new
    data = PersonalDataRepository(office.world.database, PERSONAL_DATA, office.clock)
    await data.forget(FileOwner(BOT, ANYA.id))
    with pytest.raises(NotFoundError):
        await office.leads.find(entered.lead.id)
    assert await office.totals() == {(BOT, "active", ""): 1}


async def test_company_merges_and_separates(office: Office) -> None:
    one = await office.tell(ANYA, "company", "Ромашка")
    await office.leads.enter_stage(one.id, "discovery")
    await office.leads.change(one.id, LeadChange(notes="first"), actor="key:1")
    two = await office.tell(BORYA, "company", "Лютик", sure=0.95)
    await office.leads.change(two.id, LeadChange(contact="8 999 123-45-67", notes="second"), actor="key:1")
    await office.leads.give_consent(two.id, ConsentKind.PDPA_PROFILE, await office.hear(BORYA, "да"))
    before = await office.leads.find(one.id)
    merged = await office.leads.merge(Merge(one.id, two.id, "key:1"))
    assert (merged.id, merged.phone, merged.notes) == (one.id, "+79991234567", "first\n\nsecond")
    assert merged.slots["company"].value == "Лютик"
    assert (await office.leads.merge(Merge(one.id, two.id, "key:1"))).version == merged.version
    await office.tell(BORYA, "goal", "славы")
    back = await office.leads.unmerge(two.id, actor="key:1")
    assert (back.id, back.merged_into, back.phone, back.notes) == (two.id, None, "+79991234567", "second")
    assert {name: slot.value for name, slot in back.slots.items()} == {"company": "Лютик", "goal": "славы"}
    left = await office.leads.find(one.id)
    assert (left.phone, left.contact, left.notes, left.stage) == ("", "", "first", "discovery")
    assert {name: slot.value for name, slot in left.slots.items()} == {"company": "Ромашка"}
    assert left.slots["company"].message_id == before.slots["company"].message_id
    assert [len(await office.leads.consents(number)) for number in (one.id, two.id)] == [0, 1]
    assert (await office.leads.for_user(BOT, BORYA)).id == two.id
    for number in (one.id, two.id):
        assert (await office.types(number))[-1] == "lead.unmerged"
        with pytest.raises(MergeRefusedError):
            await office.leads.unmerge(number, actor="key:1")
    assert await office.totals() == {(BOT, "active", "discovery"): 1, (BOT, "active", ""): 1}


async def test_leads_that_cannot_be_merged_are_refused(office: Office) -> None:
    one, other = await office.tell(ANYA, "goal", "мира"), await office.leads.for_user("other", BORYA)
    with pytest.raises(MergeRefusedError):
        await office.leads.merge(Merge(one.id, other.id, "key:1"))
    with pytest.raises(NotFoundError):
        await office.leads.merge(Merge(one.id, 999_999, "key:1"))
    two = await office.tell(BORYA, "goal", "славы")
    with pytest.raises(StaleVersionError):
        await office.leads.merge(Merge(one.id, two.id, "key:1", versions={99}))
    with pytest.raises(NotFoundError):
        await office.leads.unmerge(999_999, actor="key:1")


async def test_merged_person_is_not_shown_the_words_of_the_other(office: Office) -> None:
    await office.tell(BORYA, "company", "Лютик")
    first = await office.tell(BORYA, "phone", "+7 999 123-45-67")
    office.clock.shift(60)
    second = await office.leads.for_user(BOT, ANYA)
    await office.leads.merge(Merge(first.id, second.id, "key:1"))
    number = await office.hear(ANYA, "8 999 123 45 67, мы торгуем цветами")
    lead = await office.leads.for_user(BOT, ANYA)
    said = {"domain": "торгуем цветами", "phone": "8 999 123 45 67"}
    findings = [Finding(slot, words, 0.9, number, words) for slot, words in said.items()]
    filled = await office.leads.fill(lead.id, findings)
    again = await office.leads.for_user(BOT, ANYA)
    for seen in (filled.lead, again):
        assert set(seen.slots) == {"domain", "phone"}
        assert (seen.name, seen.phone) == ("", "+79991234567")
    assert set((await office.leads.find(again.id)).slots) == {"company", "phone", "domain"}


async def test_owner_of_a_shared_lead_is_not_shown_the_words_of_the_other(office: Office) -> None:
    lead, _ = await share_a_phone(office)
    seen = await office.leads.for_user(BOT, ANYA)
    assert (seen.id, set(seen.slots) <= {"company", "phone"}) == (lead.id, True)
    assert (await office.leads.for_user(BOT, BORYA)).name == "Борис"
    missed = await office.leads.fill(lead.id, [Finding("goal", "мира", 0.9, 999_999, "мира")])
    assert (len(missed.refused), missed.lead.slots) == (1, {})


async def test_leads_of_two_bots_stay_two(office: Office) -> None:
    contact = "+79991234567"
    one = await office.leads.open(NewLead(BOT, 7, contact=contact))
    two = await office.leads.open(NewLead("other", 8, contact=contact))
    assert one.is_new
    assert two.is_new
    assert one.lead.id != two.lead.id


async def test_three_that_are_merged_are_found_by_each_person(office: Office) -> None:
    numbers = [(await office.leads.open(NewLead(BOT, user))).lead.id for user in (7, 8, 9)]
    await office.leads.merge(Merge(numbers[1], numbers[2], "key:1"))
    await office.leads.merge(Merge(numbers[0], numbers[1], "key:1"))
    for user in (7, 8, 9):
        assert (await office.leads.for_user(BOT, Person(user, ""))).id == numbers[0]
        [listed] = (await office.leads.list(LeadFilter(user_id=user), LeadPage())).items
        assert listed.id == numbers[0]
    changed = await office.leads.change(numbers[2], LeadChange(notes="x"), actor="api:1")
    assert (changed.id, changed.notes) == (numbers[0], "x")
    assert await office.totals() == {(BOT, "active", ""): 1}


async def test_posting_again_updates_the_existing_lead(office: Office) -> None:
    one = await office.leads.open(NewLead(BOT, 7, name="Анна"))
    two = await office.leads.open(NewLead(BOT, 7, contact="a@b.ru"))
    assert (two.is_new, two.lead.id, two.lead.name, two.lead.email) == (False, one.lead.id, "Анна", "a@b.ru")


async def test_two_processes_make_one_lead(office: Office, replica: LeadService) -> None:
    services = [office.leads, replica] * 8
    found = await asyncio.gather(*(service.for_user(BOT, ANYA) for service in services))
    assert len({lead.id for lead in found}) == 1
    assert await office.types(found[0].id) == ["lead.created"]
    assert await office.totals() == {(BOT, "active", ""): 1}


async def test_two_processes_verify_one_phone_in_many_leads(office: Office, replica: LeadService) -> None:
    people = [Person(number, "") for number in range(1, 9)]
    told = [(await office.leads.for_user(BOT, one), await office.hear(one, "+79991234567")) for one in people]
    await asyncio.gather(
        *(
            service.fill(
                lead.id,
                [Finding("phone", "+79991234567", 1.0, number, "+79991234567")],
                evidence=PhoneEvidence.TELEGRAM,
            )
            for service, (lead, number) in zip([office.leads, replica] * 4, told, strict=True)
        )
    )
    found = await office.leads.list(LeadFilter(), LeadPage())
    assert ([lead.id for lead in found.items], found.total) == ([told[0][0].id], 1)
    assert await office.totals() == {(BOT, "active", ""): 1}


async def test_two_processes_fill_concurrently_and_nothing_is_lost(office: Office, replica: LeadService) -> None:
    lead = await office.leads.for_user(BOT, ANYA)
    number = await office.hear(ANYA, "раз два три четыре пять шесть")
    words = ["раз", "два", "три", "четыре", "пять", "шесть"]
    names = ["one", "two", "three", "four", "five", "six"]
    await asyncio.gather(
        *(
            service.fill(lead.id, [Finding(name, word, 0.9, number, word)])
            for service, name, word in zip([office.leads, replica] * 3, names, words, strict=True)
        )
    )
    found = await office.leads.find(lead.id)
    assert set(found.slots) == set(names)
    assert found.version == lead.version + 6


async def test_consent_is_dated_worded_and_revocable(office: Office) -> None:
    lead = await office.leads.for_user(BOT, ANYA)
    await office.leads.ask_consent(lead.id, ConsentKind.PDPA_PROFILE, ANYA)
    office.clock.shift(30)
    number = await office.hear(ANYA, "Да, согласна")
    given = await office.leads.give_consent(lead.id, ConsentKind.PDPA_PROFILE, number)
    assert (given.holds, given.words, given.message_id) == (True, "Да, согласна", number)
    assert given.given_at == given.asked_at + timedelta(seconds=30)
    assert await office.leads.give_consent(lead.id, ConsentKind.PDPA_PROFILE, number) == given
    await office.leads.revoke_consent(lead.id, ConsentKind.PDPA_PROFILE)
    [held] = await office.leads.consents(lead.id)
    assert (held.holds, held.revoked_at) == (False, office.clock.now())
    assert await office.types(lead.id) == ["lead.created", "consent.given", "consent.revoked"]
    with pytest.raises(NotFoundError):
        await office.leads.give_consent(lead.id, ConsentKind.PDPA_PROFILE, await office.hear(BORYA, "да"))


async def test_consent_taken_back_twice_makes_one_event(office: Office) -> None:
    lead = await office.leads.for_user(BOT, ANYA)
    for _ in range(2):
        await office.leads.revoke_consent(lead.id, ConsentKind.PDPA_PROFILE)
        office.clock.shift(30)
    assert len(await office.leads.consents(lead.id)) == 1
    assert (await office.types(lead.id)).count("consent.revoked") == 1
    await office.leads.give_consent(lead.id, ConsentKind.PDPA_PROFILE, await office.hear(ANYA, "всё-таки да"))
    await office.leads.revoke_consent(lead.id, ConsentKind.PDPA_PROFILE)
    assert [item.holds for item in await office.leads.consents(lead.id)] == [False, False]
    assert (await office.types(lead.id)).count("consent.revoked") == 2


async def test_deleted_lead_leaves_only_that_it_is_gone(office: Office) -> None:
    lead = await office.tell(ANYA, "company", "Ромашка")
    await office.leads.delete(lead.id, actor="api:1")
    with pytest.raises(NotFoundError):
        await office.leads.find(lead.id)
    with pytest.raises(NotFoundError):
        await office.leads.delete(lead.id, actor="api:1")
    [event], count = await office.leads.list_events(EventFilter())
    assert (event.type, event.lead_id, count) == (EventType.LEAD_DELETED, lead.id, 1)
    assert (await office.leads.for_user(BOT, ANYA)).id != lead.id
    assert await office.totals() == {(BOT, "active", ""): 1}


async def seed(office: Office) -> list[int]:
    numbers = []
    for user in range(1, 8):
        office.clock.shift(1)
        new = NewLead(BOT if user < 6 else "other", user, name=f"Пётр {user}", contact=f"p{user}@x.ru", stage="a")
        numbers.append((await office.leads.open(new)).lead.id)
    await office.leads.change(numbers[1], LeadChange(status=LeadStatus.LOST, owner="ira"), actor="api:1")
    return numbers


@pytest.mark.parametrize("sort", list(LeadSort))
async def test_pages_by_cursor_hold_every_lead_once(office: Office, sort: LeadSort) -> None:
    await seed(office)
    seen: list[int] = []
    after = None
    for left in (True, True, False):
        page = await office.leads.list(LeadFilter(), LeadPage(3, sort=sort, after=after))
        seen += [lead.id for lead in page.items]
        after = page.after
        assert (page.total, after is not None) == (7, left)
    whole = await office.leads.list(LeadFilter(), LeadPage(sort=sort))
    assert seen == [lead.id for lead in whole.items]
    assert len(seen) == 7
    first = orjson.loads((await office.leads.write(LeadFilter(), LeadPage(3, sort=sort))).array)
    assert [item["id"] for item in first] == seen[:3]
    times = [lead.updated_at if "updated" in sort else lead.created_at for lead in whole.items]
    assert times == sorted(times, reverse=sort.startswith("-"))
    second = await office.leads.list(LeadFilter(), LeadPage(3, offset=3, sort=sort))
    assert [lead.id for lead in second.items] == seen[3:6]


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (LeadFilter(), 7),
        (LeadFilter(bot=BOT), 5),
        (LeadFilter(status=LeadStatus.LOST), 1),
        (LeadFilter(bot=BOT, status=LeadStatus.ACTIVE, stage="a"), 4),
        (LeadFilter(stage="b"), 0),
        (LeadFilter(owner="ira"), 1),
        (LeadFilter(user_id=3), 1),
        (LeadFilter(q="петр"), 7),
        (LeadFilter(q="ПЁТР p3@X"), 1),
        (LeadFilter(q="%"), 0),
        (LeadFilter(q="' OR 1=1 --"), 0),
    ],
)
async def test_filters_find_and_count_alike(office: Office, wanted: LeadFilter, count: int) -> None:
    await seed(office)
    found = await office.leads.list(wanted, LeadPage(100))
    assert (len(found.items), found.total) == (count, count)
    text = await office.leads.write(wanted, LeadPage(100))
    assert (text.count, text.total, text.array == "[]") == (count, count, count == 0)
    shown = [{**item, **read_times(item)} for item in orjson.loads(text.array)]
    plain = [{name: value for name, value in asdict(lead).items() if name != "slots"} for lead in found.items]
    assert shown == plain
    if count:
        assert text.end("created_at")[1] == found.items[-1].id


def read_times(item: Mapping[str, str]) -> dict[str, datetime]:
    assert all(item[name].endswith("Z") for name in ("created_at", "updated_at"))
    return {name: datetime.fromisoformat(item[name]) for name in ("created_at", "updated_at")}


async def test_text_of_people_is_json_in_every_case(office: Office) -> None:
    name = 'Аня {"id":5} \\" \n </script> 😀 \u2028'
    opened = await office.leads.open(NewLead(BOT, 7, name=name, contact='{"id":99}'))
    text = await office.leads.write(LeadFilter(), LeadPage())
    [item] = orjson.loads(text.array)
    assert item["name"] == opened.lead.name
    assert text.end("updated_at") == (item["updated_at"], opened.lead.id)


async def test_time_filters_are_half_open(office: Office) -> None:
    numbers = await seed(office)
    third = await office.leads.find(numbers[2])
    since = LeadFilter(created_from=third.created_at)
    until = LeadFilter(created_to=third.created_at)
    assert (await office.leads.list(since, LeadPage())).total == 5
    assert (await office.leads.list(until, LeadPage())).total == 2


async def test_phone_is_found_however_it_is_typed(office: Office) -> None:
    opened = await office.leads.open(NewLead(BOT, 7, contact="+7 999 123-45-67"))
    for query in ("8 (999) 123-45-67", "+79991234567", "123-45-67"):
        found = await office.leads.list(LeadFilter(q=query), LeadPage())
        assert [lead.id for lead in found.items] == [opened.lead.id]


async def test_price_is_found_as_it_is_written(office: Office) -> None:
    opened = await office.leads.open(NewLead(BOT, 7))
    await office.leads.change(opened.lead.id, LeadChange(notes="от 500 000, на 12.5 % дороже, 100%"), actor="key:1")
    for query, count in {"500 000": 1, "12.5": 1, "100%": 1, "12%": 0, "5_0": 0, "\\": 0}.items():
        assert (await office.leads.list(LeadFilter(q=query), LeadPage())).total == count


async def test_soft_values_wait_for_a_yes(office: Office) -> None:
    lead = await office.tell(ANYA, "company", "Ромашка", sure=0.7)
    assert lead.slots["company"].state is SlotState.TO_CONFIRM
    assert (await office.leads.drop(lead.id, "company")).slots == {}
    assert await office.types(lead.id) == ["lead.created", "lead.changed", "lead.changed"]


def everything_of(records: Sequence[LeadRecord]) -> str:
    return str(records)


async def test_person_takes_their_lead_with_them(office: Office) -> None:
    data = PersonalDataRepository(office.world.database, PERSONAL_DATA, office.clock)
    lead = await office.tell(ANYA, "company", "Ромашка")
    await office.leads.enter_stage(lead.id, "discovery")
    await office.leads.give_consent(lead.id, ConsentKind.PDPA_PROFILE, await office.hear(ANYA, "да"))
    await office.tell(BORYA, "company", "Лютик")
    [record] = await office.records(FileOwner(BOT, ANYA.id))
    assert record.lead.slots["company"].value == "Ромашка"
    assert (len(record.stages), len(record.consents), len(record.events)) == (1, 1, 4)
    assert "Лютик" not in everything_of([record])
    found = await data.forget(FileOwner(BOT, ANYA.id))
    assert found.leads == 1
    assert await office.records(FileOwner(BOT, ANYA.id)) == []
    [event], count = await office.leads.list_events(EventFilter(user_id=ANYA.id))
    assert (event.type, count) == (EventType.LEAD_DELETED, 1)
    assert len(await office.records(FileOwner(BOT, BORYA.id))) == 1
    assert await office.totals() == {(BOT, "active", ""): 1}


async def share_a_phone(office: Office) -> tuple[Lead, PersonalDataRepository]:
    """Have Anya's and Borya's leads become one, Anya's being the older."""
    await office.tell(ANYA, "company", "Ромашка")
    await office.tell(ANYA, "phone", "+7 999 123-45-67")
    office.clock.shift(60)
    second = await office.tell(BORYA, "goal", "славы")
    await office.tell(BORYA, "phone", "8 999 123 45 67")
    lead = await office.leads.merge(Merge((await office.leads.for_user(BOT, ANYA)).id, second.id, "beseda"))
    await office.tell(BORYA, "name", "Борис")
    assert lead.user_id == ANYA.id
    return lead, PersonalDataRepository(office.world.database, PERSONAL_DATA, office.clock)


async def test_person_who_shares_a_lead_is_given_only_their_own(office: Office) -> None:
    await share_a_phone(office)
    anya = everything_of(await office.records(FileOwner(BOT, ANYA.id)))
    borya = everything_of(await office.records(FileOwner(BOT, BORYA.id)))
    assert "Ромашка" in anya
    assert "славы" in borya
    assert "славы" not in anya
    assert "Ромашка" not in borya


async def test_owner_of_a_shared_lead_is_forgotten_and_the_other_stays(office: Office) -> None:
    lead, data = await share_a_phone(office)
    assert (await data.forget(FileOwner(BOT, ANYA.id))).leads == 1
    with pytest.raises(NotFoundError):
        await office.leads.find(lead.id)
    own = await office.leads.for_user(BOT, BORYA)
    assert (own.user_id, set(own.slots), own.merged_into) == (BORYA.id, {"goal", "phone", "name"}, None)
    assert "Ромашка" not in everything_of(await office.records(FileOwner(BOT, BORYA.id)))
    assert await office.totals() == {(BOT, "active", ""): 1}


async def test_other_of_a_shared_lead_is_forgotten_and_the_owner_stays(office: Office) -> None:
    lead, data = await share_a_phone(office)
    await data.forget(FileOwner(BOT, BORYA.id))
    left = await office.leads.find(lead.id)
    assert (left.name, set(left.slots), left.user_id) == ("Аня", {"company"}, ANYA.id)
    events, _ = await office.leads.events(lead.id)
    assert not {"Борис", "славы"} & set(str([event.data for event in events]).replace("'", " ").split())
    assert (await office.leads.list(LeadFilter(q="борис"), LeadPage())).total == 0
    assert await office.totals() == {(BOT, "active", ""): 1}
