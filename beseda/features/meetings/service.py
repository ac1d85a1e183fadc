"""Meetings: free slots, booking, and everything that follows from a step."""

from collections.abc import Mapping
from datetime import date, datetime
from uuid import uuid4

from beseda.core.clock import Clock
from beseda.core.errors import NotASlotError, NotFoundError
from beseda.engine.calendar import Calendar, CalendarSlot, TimeSpan
from beseda.engine.jobs.base import JobQueue
from beseda.engine.jobs.model import JobRequest, derive_id
from beseda.ephemeral.base import Bus
from beseda.features.meetings.icalendar import write_invitation
from beseda.features.meetings.model import (
    Booked,
    Diary,
    Meeting,
    MeetingFilter,
    MeetingList,
    MeetingPage,
    MeetingState,
    MeetingSummary,
    NewMeeting,
    cancel,
    confirm,
    move,
    pass_time,
)
from beseda.features.meetings.repository import MeetingRepository

SUMMARISE = "meeting.summarise"
MOST_DAYS = 62  # that are looked through for one question
_MAIN = ""  # the one calendar that a bot has so far
_BATCH = 200
_LISTED = 500


class MeetingService:
    """Books and changes meetings. Each step is one transaction of the database; every method raises StorageError.

    A process knows only the diaries passed to `adopt`. Every process that offers or books times needs the bot's diary.
    """

    def __init__(self, store: MeetingRepository, jobs: JobQueue, bus: Bus, clock: Clock) -> None:
        self._store = store
        self._jobs = jobs
        self._bus = bus
        self._clock = clock
        self._diaries: dict[str, Diary] = {}

    def adopt(self, diaries: Mapping[str, Diary]) -> None:
        """Add the calendars configured in bots' folders."""
        self._diaries |= diaries

    def diary(self, bot: str) -> Diary:
        """Return a bot's diary. Raises NotFoundError for a bot that makes no appointments."""
        if bot not in self._diaries:
            raise NotFoundError(f"bot {bot!r} has no calendar")
        return self._diaries[bot]

    async def free_slots(self, bot: str, day_from: date | None, days: int, language: str) -> list[CalendarSlot]:
        """Return the free slots of `days` days in order, from `day_from` or today.

        Raises NotFoundError for a bot without a calendar.
        """
        calendar, now = self.diary(bot).calendar, self._clock.now()
        today = calendar.day_of(now)
        first = max(day_from or today, today)
        spans = list(calendar.slots(now, first, min(days, MOST_DAYS)))
        if not spans:
            return []
        whole = TimeSpan(spans[0].start, max(span.end for span in spans))
        taken = await self._store.taken(bot, _MAIN, whole)
        return [calendar.slot(span, language) for span in spans if taken.isdisjoint(span.cells())]

    async def book(self, lead_id: int, starts_at: datetime, *, user_id: int | None = None) -> Meeting:
        """Hold a time for a lead for 15 minutes. A repeated call returns the same meeting.

        The meeting belongs to the lead's person, or to `user_id` if several people share the lead. If the lead already
        holds another unconfirmed time, that meeting is moved. Raises NotFoundError if the lead does not exist or its
        bot has no calendar, NotASlotError, SlotTakenError, TooManyMeetingsError.
        """
        place = await self._store.find_lead(lead_id, user_id)
        if place is None:
            raise NotFoundError(f"lead {lead_id}")
        calendar = self.diary(place.bot).calendar
        span = self._check(calendar, starts_at)
        new = NewMeeting(place.bot, place.lead_id, span, f"{uuid4()}@beseda", _MAIN)
        return await self._announce(
            await self._store.book(new, lambda meeting, now: move(meeting, span, calendar, now))
        )

    async def confirm(self, meeting_id: int) -> Meeting:
        """Make a booking firm; both sides get the file. Raises NotFoundError, MeetingOverError."""
        booked = await self._store.change(
            meeting_id, lambda meeting, now: confirm(meeting, self._calendar_of(meeting), now)
        )
        await self._ask_for_summary(booked.meeting)
        return await self._announce(booked)

    async def move(self, meeting_id: int, starts_at: datetime) -> Meeting:
        """Move a meeting, tentative or confirmed.

        Raises NotFoundError, NotASlotError, SlotTakenError, MeetingOverError.
        """
        meeting = await self.find(meeting_id)
        calendar = self.diary(meeting.bot).calendar
        if meeting.starts_at == starts_at and meeting.state.is_active:
            return meeting
        span = self._check(calendar, starts_at)
        return await self._announce(
            await self._store.change(meeting_id, lambda before, now: move(before, span, calendar, now))
        )

    async def cancel(self, meeting_id: int) -> Meeting:
        """Call a meeting off and give its time back. Raises NotFoundError, and MeetingOverError once it has begun."""
        return await self._announce(await self._store.change(meeting_id, cancel))

    async def find(self, meeting_id: int) -> Meeting:
        """Return a meeting. Raises NotFoundError."""
        found = await self._store.find(meeting_id)
        if found is None:
            raise NotFoundError(f"meeting {meeting_id}")
        return found

    async def for_person(self, bot: str, user_id: int) -> list[Meeting]:
        """Return a person's meetings in one bot, those that are over too, earliest first."""
        found = await self._store.list(MeetingFilter(bot=bot, user_id=user_id), MeetingPage(limit=_LISTED))
        return [*found.items]

    async def list(self, wanted: MeetingFilter, page: MeetingPage) -> MeetingList:
        """Return a piece of the list of meetings, earliest first."""
        return await self._store.list(wanted, page)

    async def summary(self, meeting_id: int) -> MeetingSummary:
        """Return the summary of a meeting. Raises NotFoundError if there is none yet."""
        found = await self._store.find_summary(meeting_id)
        if found is None:
            raise NotFoundError(f"summary of meeting {meeting_id}")
        return found

    async def keep_summary(self, summary: MeetingSummary) -> bool:
        """Store a summary and notify the owner. Return False if there already is one.

        Raises NotFoundError.
        """
        booked = await self._store.add_summary(summary)
        if booked is not None:
            await self._announce(booked)
        return booked is not None

    async def pass_time(self) -> int:
        """Apply the changes that are due by time and return the number of changed meetings.

        Expired bookings are given up, reminders are sent, and past meetings are ended. Missing summaries are requested
        again.
        """
        count = 0
        while batch := await self._store.pass_time(self._step_in_time, limit=_BATCH):
            for booked in batch:
                await self._announce(booked)
            count += len(batch)
            if len(batch) < _BATCH:
                break
        for meeting in await self._store.unsummarised(limit=_BATCH):
            await self._ask_for_summary(meeting)  # what a crash right after a confirmation has left
        return count

    def write_ics(self, meeting: Meeting, language: str = "ru", *, for_owner: bool = False) -> bytes:
        """Return the iCalendar file that adds a meeting to a calendar, or removes it.

        Raises NotFoundError if the bot no longer has a calendar.
        """
        return write_invitation(meeting, self.diary(meeting.bot).calendar, language, for_owner=for_owner)

    def write_time(self, meeting: Meeting, language: str) -> str:
        """Return when a meeting is, in words: “Mon 23 November, 14:00 (Europe/Moscow)”."""
        calendar = self.diary(meeting.bot).calendar
        return f"{calendar.write_time(meeting.starts_at, language)} ({calendar.zone.key})"

    def _step_in_time(self, meeting: Meeting, now: datetime) -> Meeting:
        return pass_time(meeting, self._calendar_of(meeting), now)

    def _calendar_of(self, meeting: Meeting) -> Calendar | None:
        diary = self._diaries.get(meeting.bot)
        return diary.calendar if diary is not None else None

    def _check(self, calendar: Calendar, starts_at: datetime) -> TimeSpan:
        if not calendar.offers(starts_at, self._clock.now()):
            raise NotASlotError(f"no meeting can begin at {starts_at.isoformat()}")
        return calendar.span(starts_at)

    async def _announce(self, booked: Booked) -> Meeting:
        for notice in booked.notices:
            await self._bus.publish(f"updates:{notice.bot}", {"update_id": notice.update_id})
        return booked.meeting

    async def _ask_for_summary(self, meeting: Meeting) -> None:
        if meeting.state is MeetingState.CONFIRMED:
            number = derive_id(SUMMARISE, meeting.id)
            await self._jobs.enqueue(JobRequest(number, SUMMARISE, {"meeting_id": meeting.id}, slot="text"))
