"""Meetings: the service on both databases, with real jobs and hints."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from zoneinfo import ZoneInfo

import orjson
import pytest
from sqlalchemy import select

from beseda.core.chat import ChatKey, ChatKind, Person
from beseda.core.errors import (
    BesedaError,
    MeetingOverError,
    NotASlotError,
    NotFoundError,
    SlotTakenError,
    StorageError,
    TooManyMeetingsError,
)
from beseda.db.database import Database
from beseda.engine.calendar import Calendar, Opening
from beseda.engine.conversations.repository import ConversationRepository
from beseda.engine.events.repository import EventRepository
from beseda.engine.events.tables import events
from beseda.engine.jobs.inline import InlineJobs
from beseda.engine.jobs.repository import JobRepository
from beseda.engine.updates.repository import UpdateRepository
from beseda.ephemeral.memory.bus import MemoryBus
from beseda.features.leads.model import Merge, NewLead
from beseda.features.leads.repository import LeadRepository
from beseda.features.leads.service import LeadService
from beseda.features.meetings.model import (
    Diary,
    Meeting,
    MeetingFilter,
    MeetingPage,
    MeetingState,
    MeetingSummary,
)
from beseda.features.meetings.repository import MeetingRepository
from beseda.features.meetings.service import MeetingService
from beseda.features.meetings.tables import meeting_cells
from beseda.testing.clock import ManualClock

BOT, OWNER = "sales", 500
NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)  # a Monday, 9:00 in Moscow
NOON = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
CALENDAR = Calendar(ZoneInfo("Europe/Moscow"), {day: (Opening(540, 780), Opening(840, 1080)) for day in range(5)})


class Office:
    """The service of one process, and short ways to look behind it."""

    def __init__(self, database: Database, jobs: InlineJobs, clock: ManualClock) -> None:
        self.database = database
        self.jobs = jobs
        self.clock = clock
        self.numbers = count(1)
        self.store = MeetingRepository(database, clock, [OWNER])
        self.meetings = MeetingService(self.store, jobs, MemoryBus(), clock)
        self.meetings.adopt({BOT: Diary(CALENDAR)})
        self.leads = LeadService(LeadRepository(database, clock), EventRepository(database, clock), clock)

    async def lead(self, name: str = "Анна", bot: str = BOT) -> int:
        """Return a new lead, whose person has a private chat with the bot."""
        user_id = next(self.numbers)
        person = Person(user_id, name, language="ru")
        await ConversationRepository(self.database).open(ChatKey(bot, user_id), ChatKind.PRIVATE, "", person)
        return (await self.leads.for_user(bot, person)).id

    async def hold(self, starts_at: datetime = NOON) -> Meeting:
        return await self.meetings.book(await self.lead(), starts_at)

    async def have(self, starts_at: datetime = NOON) -> Meeting:
        return await self.meetings.confirm((await self.hold(starts_at)).id)

    async def told(self) -> list[str]:
        """Return what events tell, in order."""
        query = select(events.c.type, events.c.data).where(events.c.type.like("meeting.%")).order_by(events.c.id)
        rows = await self.database.read(lambda connection: connection.execute(query).all())
        return [f"{row.type} {orjson.loads(row.data).get('status', '')}".strip() for row in rows]

    async def notices(self) -> list[tuple[str, int]]:
        """Return the notices to be given, each with its chat."""
        stored = await UpdateRepository(self.database).unfinished(BOT)
        found = [orjson.loads(item.payload)["beseda"] for item in stored]
        return sorted((notice["kind"], notice["chat"]["id"]) for notice in found)

    async def cells(self) -> int:
        query = select(meeting_cells.c.cell)
        return len(await self.database.read(lambda connection: connection.scalars(query).all()))

    async def meet_owner(self) -> None:
        key = ChatKey(BOT, OWNER)
        await ConversationRepository(self.database).open(key, ChatKind.PRIVATE, "", Person(OWNER, "Ольга"))


@pytest.fixture
async def office(database: Database) -> AsyncIterator[Office]:
    clock = ManualClock(NOW)
    async with AsyncExitStack() as stack:
        jobs = InlineJobs(JobRepository(database, clock), {}, {"text": 1}, clock)
        stack.push_async_callback(jobs.close)
        yield Office(database, jobs, clock)


async def starts(office: Office) -> list[datetime]:
    return [slot.starts_at for slot in await office.meetings.free_slots(BOT, NOON.date(), 1, "ru")]


async def test_booked_time_and_its_overlaps_are_not_offered(office: Office) -> None:
    before = await starts(office)
    await office.hold(NOON - HOUR)
    gone = {NOON - 1.5 * HOUR, NOON - HOUR, NOON - HOUR / 2}
    assert set(before) - set(await starts(office)) == gone
    assert await office.cells() == 4


async def test_booking_is_held_for_a_quarter_of_an_hour(office: Office) -> None:
    meeting = await office.hold()
    assert (meeting.state, meeting.held_until) == (MeetingState.TENTATIVE, NOW + timedelta(minutes=15))
    assert meeting == await office.meetings.find(meeting.id)
    office.clock.shift(15 * 60)
    assert NOON in await starts(office)
    with pytest.raises(MeetingOverError):
        await office.meetings.confirm(meeting.id)


async def test_same_booking_asked_for_again_is_the_same_meeting(office: Office) -> None:
    lead = await office.lead()
    first, *rest = await asyncio.gather(*(office.meetings.book(lead, NOON) for _ in range(8)))
    assert {meeting.id for meeting in rest} == {first.id}
    assert await office.told() == ["meeting.scheduled tentative"]


async def test_fifty_bookings_of_one_time_make_one_meeting(office: Office) -> None:
    people = [await office.lead() for _ in range(50)]
    outcomes = await asyncio.gather(*(office.meetings.book(lead, NOON) for lead in people), return_exceptions=True)
    assert sum(isinstance(outcome, Meeting) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, SlotTakenError) for outcome in outcomes) == 49
    assert await office.cells() == 4
    assert len(await office.told()) == 1


async def test_replicas_that_book_one_time_make_one_meeting(office: Office, database_url: str) -> None:
    people = [await office.lead() for _ in range(50)]
    async with AsyncExitStack() as stack:
        replicas = [office]
        for _ in range(3):
            database = await Database.open(database_url)
            stack.push_async_callback(database.close)
            replicas.append(Office(database, office.jobs, office.clock))
        # Neighbours too: each of the two takes half of what the one in the middle needs.
        times = [NOON - 2 * HOUR, NOON - 1.5 * HOUR, NOON - HOUR]
        asked = [replicas[number % 4].meetings.book(lead, times[number % 3]) for number, lead in enumerate(people)]
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
    won = [outcome for outcome in outcomes if isinstance(outcome, Meeting)]
    assert {type(outcome) for outcome in outcomes} == {Meeting, SlotTakenError}
    assert sorted(meeting.starts_at for meeting in won) in ([times[1]], [times[0], times[2]])
    assert await office.cells() == 4 * len(won)


async def test_booking_gives_up_an_expired_hold(office: Office) -> None:
    late = await office.hold()
    office.clock.shift(15 * 60)
    taken = await office.hold(NOON)
    assert taken.id != late.id
    assert (await office.meetings.find(late.id)).state is MeetingState.EXPIRED
    held = "meeting.scheduled tentative"
    assert await office.told() == [held, "meeting.expired expired", held]
    assert await office.notices() == [("meeting_expired", late.guest.user_id)]


async def test_meeting_moves_into_a_time_whose_booking_ran_out(office: Office) -> None:
    moving, forgotten = await office.have(), await office.hold(NOON + 2 * HOUR)
    office.clock.shift(16 * 60)
    assert (await office.meetings.move(moving.id, NOON + 2 * HOUR)).starts_at == NOON + 2 * HOUR
    assert (await office.meetings.find(forgotten.id)).state is MeetingState.EXPIRED


async def test_another_time_moves_a_held_meeting(office: Office) -> None:
    lead = await office.lead()
    first = await office.meetings.book(lead, NOON)
    second = await office.meetings.book(lead, NOON + 2 * HOUR)
    assert (second.id, second.starts_at, second.sequence) == (first.id, NOON + 2 * HOUR, 1)
    assert NOON in await starts(office)
    assert await office.told() == ["meeting.scheduled tentative", "meeting.moved tentative"]
    assert await office.notices() == []


async def test_confirming_notifies_both_sides_and_asks_for_a_summary(office: Office) -> None:
    await office.meet_owner()
    meeting = await office.have()
    again = await office.meetings.confirm(meeting.id)
    assert (again.state, again.held_until, again.remind_at) == (MeetingState.CONFIRMED, None, NOON - 24 * HOUR)
    assert await office.notices() == [("meeting_card", meeting.guest.user_id), ("meeting_card", OWNER)]
    assert await office.told() == ["meeting.scheduled tentative", "meeting.scheduled confirmed"]
    office.clock.shift(3600)
    assert NOON not in await starts(office)


async def test_moving_frees_the_old_time_and_takes_the_new(office: Office) -> None:
    meeting, other = await office.have(), await office.have(NOON + 2 * HOUR)
    with pytest.raises(SlotTakenError):
        await office.meetings.move(meeting.id, NOON + 2.5 * HOUR)
    assert await office.meetings.find(meeting.id) == meeting
    moved = await office.meetings.move(meeting.id, NOON - HOUR)
    assert (moved.sequence, moved.uid, moved.state) == (1, meeting.uid, MeetingState.CONFIRMED)
    assert await office.meetings.move(meeting.id, NOON - HOUR) == moved
    assert await office.cells() == 8
    assert (await office.told())[-1] == "meeting.moved confirmed"
    assert other == await office.meetings.find(other.id)


async def test_meeting_moves_into_a_time_that_overlaps_its_own(office: Office) -> None:
    meeting = await office.have(NOON - 2 * HOUR)
    moved = await office.meetings.move(meeting.id, NOON - 1.5 * HOUR)
    assert (moved.starts_at, await office.cells()) == (NOON - 1.5 * HOUR, 4)


async def test_two_meetings_that_swap_their_times_do_not_hang(office: Office, database_url: str) -> None:
    first, second = await office.have(NOON - 2 * HOUR), await office.have(NOON)
    other = Office(await Database.open(database_url), office.jobs, office.clock)
    swapped = await asyncio.wait_for(
        asyncio.gather(
            office.meetings.move(first.id, NOON),
            other.meetings.move(second.id, NOON - 2 * HOUR),
            return_exceptions=True,
        ),
        30,
    )
    await other.database.close()
    assert {type(outcome) for outcome in swapped} <= {Meeting, SlotTakenError}
    assert await office.cells() == 8


async def test_cancelling_gives_the_time_back(office: Office) -> None:
    meeting = await office.have()
    gone = await office.meetings.cancel(meeting.id)
    assert (gone.state, gone.sequence) == (MeetingState.CANCELLED, 1)
    assert await office.meetings.cancel(meeting.id) == gone
    assert NOON in await starts(office)
    assert await office.told() == [
        "meeting.scheduled tentative",
        "meeting.scheduled confirmed",
        "meeting.cancelled cancelled",
    ]
    for step in (office.meetings.confirm(meeting.id), office.meetings.move(meeting.id, NOON + 2 * HOUR)):
        with pytest.raises(MeetingOverError):
            await step


async def test_time_gives_up_reminds_and_ends(office: Office) -> None:
    await office.meet_owner()
    held, had = await office.hold(NOON + 2 * HOUR), await office.have()
    office.clock.shift(15 * 60)
    assert await office.meetings.pass_time() == 1
    assert (await office.meetings.find(held.id)).state is MeetingState.EXPIRED
    office.clock.shift(3 * 3600)
    assert [await office.meetings.pass_time() for _ in range(2)] == [1, 0]
    assert (await office.notices()).count(("meeting_reminder", OWNER)) == 1
    office.clock.shift((NOON - office.clock.now() - HOUR).total_seconds())
    assert [await office.meetings.pass_time() for _ in range(2)] == [1, 0]
    assert (await office.notices()).count(("meeting_reminder", had.guest.user_id)) == 2
    office.clock.shift(7200)
    assert await office.meetings.pass_time() == 1
    assert (await office.meetings.find(had.id)).state is MeetingState.DONE


async def test_replicas_remind_once(office: Office, database_url: str) -> None:
    meeting = await office.have()
    office.clock.shift((NOON - 24 * HOUR - NOW).total_seconds())
    other = Office(await Database.open(database_url), office.jobs, office.clock)
    await asyncio.gather(*(replica.meetings.pass_time() for replica in (office, other) for _ in range(5)))
    await other.database.close()
    assert (await office.notices()).count(("meeting_reminder", meeting.guest.user_id)) == 1


async def test_reminders_slept_through_are_one(office: Office) -> None:
    meeting = await office.have()
    office.clock.shift((NOON - HOUR / 2 - NOW).total_seconds())
    await office.meetings.pass_time()
    assert (await office.notices()).count(("meeting_reminder", meeting.guest.user_id)) == 1
    assert (await office.meetings.find(meeting.id)).remind_at is None


@pytest.mark.parametrize(
    "starts_at",
    [
        NOW + HOUR,  # too soon
        NOON + HOUR,  # lunch
        NOON - timedelta(minutes=10),  # off the grid
        NOON + timedelta(days=4),  # Saturday
        NOON + timedelta(days=21),  # too far off
        NOW - timedelta(days=3),
    ],
)
async def test_time_that_is_no_slot_is_refused(office: Office, starts_at: datetime) -> None:
    lead = await office.lead()
    with pytest.raises(NotASlotError):
        await office.meetings.book(lead, starts_at)


async def test_no_caller_gets_the_whole_calendar(office: Office) -> None:
    lead = await office.lead()
    for hours in (-3, -2, -1):
        meeting = await office.meetings.book(lead, NOON + hours * HOUR)
        await office.meetings.confirm(meeting.id)
    with pytest.raises(TooManyMeetingsError):
        await office.meetings.book(lead, NOON + 2 * HOUR)


async def test_absent_meeting_is_reported(office: Office) -> None:
    elsewhere = await office.lead(bot="assistant")
    for step in (
        office.meetings.book(404, NOON),
        office.meetings.book(elsewhere, NOON),
        office.meetings.confirm(404),
        office.meetings.move(404, NOON),
        office.meetings.cancel(404),
        office.meetings.free_slots("assistant", None, 1, "ru"),
        office.meetings.summary(404),
        office.meetings.keep_summary(MeetingSummary(404, "…", [], "demo", NOW)),
    ):
        with pytest.raises(NotFoundError):
            await step


async def test_summary_is_kept_and_published_once(office: Office) -> None:
    await office.meet_owner()
    meeting = await office.have()
    facts = [{"name": "budget", "value": "1 млн", "message_id": 7, "quote": "миллион"}]
    summary = MeetingSummary(meeting.id, "Хочет бота.", facts, "demo", NOW)
    assert [await office.meetings.keep_summary(summary) for _ in range(2)] == [True, False]
    assert await office.meetings.summary(meeting.id) == summary
    assert [kind for kind, _ in await office.notices()] == ["meeting_card", "meeting_card", "meeting_summary"]
    assert (await office.told())[-1] == "meeting.summary_generated"


async def test_lists_are_filtered_and_come_in_pieces(office: Office) -> None:
    made = [await office.hold(NOON + hours * HOUR) for hours in (3, -3, 2, -2)]
    page = await office.meetings.list(MeetingFilter(bot=BOT), MeetingPage(limit=3))
    assert [meeting.starts_at for meeting in page.items] == [NOON + hours * HOUR for hours in (-3, -2, 2)]
    rest = await office.meetings.list(MeetingFilter(bot=BOT), MeetingPage(limit=3, after=page.after))
    assert ([meeting.id for meeting in rest.items], rest.total, rest.after) == ([made[0].id], 4, None)
    by_lead = await office.meetings.for_person(BOT, made[1].guest.user_id)
    assert [meeting.id for meeting in by_lead] == [made[1].id]
    late = await office.meetings.list(MeetingFilter(since=NOON, state=MeetingState.TENTATIVE), MeetingPage(offset=1))
    assert [meeting.id for meeting in late.items] == [made[0].id]


async def test_bookings_and_steps_mixed_leave_no_overlap(office: Office, database_url: str) -> None:
    other = Office(await Database.open(database_url), office.jobs, office.clock)
    meetings = [await office.have(NOON + hours * HOUR) for hours in (-3, -1, 2, 4)]
    people = [await office.lead() for _ in range(12)]

    async def try_all(place: Office, turn: int) -> None:
        for number, lead in enumerate(people[turn::2]):
            hours = (-3, -2.5, -2, -1.5, -1, 2, 2.5, 3)[(number * 3 + turn) % 8]
            for step in (
                place.meetings.book(lead, NOON + hours * HOUR),
                place.meetings.move(meetings[number % 4].id, NOON + hours * HOUR),
                place.meetings.cancel(meetings[(number + turn) % 4].id) if number > 3 else place.meetings.pass_time(),
            ):
                try:
                    await step
                except StorageError:
                    raise
                except BesedaError:
                    continue

    await asyncio.wait_for(asyncio.gather(try_all(office, 0), try_all(other, 1)), 60)
    await other.database.close()
    page = await office.meetings.list(MeetingFilter(bot=BOT), MeetingPage(limit=100))
    active = [meeting for meeting in page.items if meeting.state.is_active]
    assert all(one.ends_at <= two.starts_at for one, two in pairwise(active))
    assert await office.cells() == 4 * len(active)


async def test_meetings_of_a_lead_go_with_it(office: Office) -> None:
    meeting = await office.have()
    await office.leads.delete(meeting.lead_id, actor="api")
    assert await office.meetings.for_person(BOT, meeting.guest.user_id) == []
    assert (NOON in await starts(office), await office.cells()) == (True, 0)


async def test_meetings_of_a_lead_that_was_merged_stay_its_persons(office: Office) -> None:
    first = await office.hold()
    kept = await office.lead("Вера")
    await office.leads.merge(Merge(kept, first.lead_id, "key:1"))
    owner, other = first.guest.user_id, (await office.leads.find(kept)).user_id or 0
    listed = await office.meetings.list(MeetingFilter(lead_id=kept), MeetingPage())
    assert [meeting.id for meeting in listed.items] == [first.id]
    assert [meeting.id for meeting in await office.meetings.for_person(BOT, owner)] == [first.id]
    assert await office.meetings.for_person(BOT, other) == []
    theirs = await office.meetings.book(kept, NOON + 2 * HOUR)
    own = await office.meetings.book(kept, NOON - HOUR, user_id=owner)
    assert (theirs.guest.user_id, own.guest.user_id, own.lead_id) == (other, owner, first.lead_id)
    await office.leads.unmerge(first.lead_id, actor="key:1")
    assert [meeting.id for meeting in await office.meetings.for_person(BOT, other)] == [theirs.id]


async def test_meeting_of_a_lead_without_a_person_goes_to_its_later_person(office: Office) -> None:
    entered = (await office.leads.open(NewLead(BOT, None, name="CRM", contact="+7 999 123-45-67"))).lead
    meeting = await office.meetings.book(entered.id, NOON)
    assert (meeting.guest.user_id, await office.notices()) == (0, [])
    person = await office.lead("Вера")
    await office.leads.merge(Merge(entered.id, person, "key:1"))
    assert (await office.leads.find(entered.id)).merged_into == person
    user_id = (await office.leads.find(person)).user_id or 0
    assert [found.id for found in await office.meetings.for_person(BOT, user_id)] == [meeting.id]
    await office.meetings.confirm(meeting.id)
    assert ("meeting_card", user_id) in await office.notices()
