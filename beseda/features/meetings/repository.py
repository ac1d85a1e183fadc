"""Meetings: each step is one transaction with its time slot, its event and its notices."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import Connection, insert, or_, select, update

from beseda.core.chat import Conversation
from beseda.core.clock import Clock, SystemClock
from beseda.core.errors import NotFoundError, TooManyMeetingsError
from beseda.db.database import Database
from beseda.engine.calendar import TimeSpan
from beseda.engine.conversations.repository import find_place
from beseda.engine.events.model import EventType, NewEvent
from beseda.engine.events.repository import write_events
from beseda.engine.updates.model import StoredUpdate
from beseda.features.meetings.model import (
    HOLD,
    MOST_AHEAD,
    SUMMARY,
    Booked,
    Guest,
    Happening,
    LeadPlace,
    Meeting,
    MeetingFilter,
    MeetingList,
    MeetingPage,
    MeetingState,
    MeetingSummary,
    NewMeeting,
    tell,
)
from beseda.features.meetings.notices import describe, write_notices
from beseda.features.meetings.queries import (
    SUMMARIES,
    find_ahead,
    find_lead,
    find_meeting,
    find_overdue,
    find_summary,
    free_cells,
    list_meetings,
    load_meeting,
    lock_guest,
    meeting_values,
    select_due,
    select_meetings,
    take_cells,
)
from beseda.features.meetings.tables import meeting_cells, meeting_summaries, meetings

# From a meeting and the time it is to what the meeting becomes: itself where nothing changes.
Step: TypeAlias = Callable[[Meeting, datetime], Meeting]


class MeetingRepository:
    """Meetings in SQL. `owners` are the Telegram ids that receive notices of a bot's meetings."""

    def __init__(self, database: Database, clock: Clock | None = None, owners: Collection[int] = ()) -> None:
        self._database = database
        self._clock = clock or SystemClock()
        self._owners = tuple(sorted(owners))

    async def book(self, new: NewMeeting, move: Step) -> Booked:
        """Reserve a time for a lead. If the lead has a meeting already, return it, or `move` it here if tentative."""
        now = self._clock.now()
        return await self._database.write(lambda connection: self._book(connection, new, move, now))

    async def change(self, meeting_id: int, step: Step) -> Booked:
        """Apply a step to one meeting."""
        now = self._clock.now()
        return await self._database.write(lambda connection: self._change(connection, meeting_id, step, now))

    async def pass_time(self, step: Step, *, limit: int) -> Sequence[Booked]:
        """Apply a step to every meeting that is due, at most `limit`, the earliest first."""
        now = self._clock.now()
        due = await self._database.read(lambda connection: connection.scalars(select_due(now, limit)).all())
        # One transaction each: a step that cannot be taken keeps no other from being taken.
        return [booked for number in due if (booked := await self._step_if_there(number, step)) is not None]

    async def find_lead(self, lead_id: int, user_id: int | None = None) -> LeadPlace | None:
        """Return the bot and id of a lead, or None if it does not exist.

        If a merged lead is shared by several people, `user_id` selects the lead of that person.
        """
        return await self._database.read(lambda connection: find_lead(connection, lead_id, user_id))

    async def find_chat(self, bot: str, user_id: int) -> Conversation | None:
        """Return a person's private chat with a bot, or None if the person has never written to it."""
        place = await self._database.read(lambda connection: find_place(connection, bot, user_id))
        return place[0] if place is not None else None

    async def find(self, meeting_id: int) -> Meeting | None:
        """Return a meeting, or None."""
        return await self._database.read(lambda connection: find_meeting(connection, meeting_id))

    async def list(self, wanted: MeetingFilter, page: MeetingPage) -> MeetingList:
        """Return meetings, earliest first. Those of a lead include the meetings of leads that were merged into it."""
        return await self._database.read_long(lambda connection: list_meetings(connection, wanted, page))

    async def taken(self, bot: str, owner: str, span: TimeSpan) -> set[int]:
        """Return the occupied cells of a calendar. An expired booking does not occupy its cells."""
        cells, now = span.cells(), self._clock.now()
        query = (
            select(meeting_cells.c.cell)
            .join(meetings, meetings.c.id == meeting_cells.c.meeting_id)
            .where(
                meeting_cells.c.bot == bot,
                meeting_cells.c.owner == owner,
                meeting_cells.c.cell.between(cells.start, cells.stop - 1),
                or_(meetings.c.held_until.is_(None), meetings.c.held_until > now),
            )
        )
        return set(await self._database.read(lambda connection: connection.scalars(query).all()))

    async def add_summary(self, summary: MeetingSummary) -> Booked | None:
        """Store a summary and notify the owner. Return None if the meeting already has one."""
        now = self._clock.now()
        return await self._database.write(lambda connection: self._add_summary(connection, summary, now))

    async def find_summary(self, meeting_id: int) -> MeetingSummary | None:
        """Return the summary of a meeting, or None."""
        return await self._database.read(lambda connection: find_summary(connection, meeting_id))

    async def unsummarised(self, *, limit: int) -> Sequence[Meeting]:
        """Return confirmed future meetings without a summary, the earliest first."""
        query = (
            select_meetings.outerjoin(meeting_summaries, meeting_summaries.c.meeting_id == meetings.c.id)
            .where(
                meetings.c.state == MeetingState.CONFIRMED.value,
                meetings.c.starts_at > self._clock.now(),
                meeting_summaries.c.id.is_(None),
            )
            .order_by(meetings.c.starts_at)
            .limit(limit)
        )
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [load_meeting(row) for row in rows]

    async def _step_if_there(self, meeting_id: int, step: Step) -> Booked | None:
        try:
            return await self.change(meeting_id, step)
        except NotFoundError:  # its lead was deleted in this moment
            return None

    def _book(self, connection: Connection, new: NewMeeting, move: Step, now: datetime) -> Booked:
        guest = lock_guest(connection, new)
        ahead = find_ahead(connection, new.lead_id, now)
        for meeting in ahead:
            if meeting.span == new.span:
                return Booked(meeting)
        held = next((meeting for meeting in ahead if meeting.state is MeetingState.TENTATIVE), None)
        if held is not None:
            return self._apply(connection, held, move(held, now), now)
        if len(ahead) >= MOST_AHEAD:
            raise TooManyMeetingsError(f"lead {new.lead_id} has {len(ahead)} meetings ahead")
        return self._apply(connection, None, _draft(new, guest, now), now)

    def _change(self, connection: Connection, meeting_id: int, step: Step, now: datetime) -> Booked:
        before = find_meeting(connection, meeting_id, lock=True)
        if before is None:
            raise NotFoundError(f"meeting {meeting_id}")
        after = step(before, now)
        return Booked(before) if after == before else self._apply(connection, before, after, now)

    def _apply(self, connection: Connection, before: Meeting | None, after: Meeting, now: datetime) -> Booked:
        after = replace(after, updated_at=now)
        if before is None:
            values = meeting_values(after)
            after = replace(
                after, id=connection.scalars(insert(meetings).values(values).returning(meetings.c.id)).one()
            )
        else:
            connection.execute(update(meetings).where(meetings.c.id == after.id).values(meeting_values(after)))
        keeps = after.state.is_active
        notices: Sequence[StoredUpdate] = ()
        if before is not None and not (keeps and after.span == before.span):
            free_cells(connection, after.id)
        if keeps and (before is None or after.span != before.span):
            notices = self._make_room(connection, after, now)
            take_cells(connection, after)
        told = self._tell(connection, tell(before, after), (before, after), now)
        return replace(told, notices=(*notices, *told.notices))

    def _make_room(self, connection: Connection, meeting: Meeting, now: datetime) -> Sequence[StoredUpdate]:
        """Expire overdue bookings that occupy the time of a meeting, and return the notices of that."""
        overdue = find_overdue(connection, meeting, now)
        return [notice for one in overdue for notice in self._apply(connection, one, expire(one), now).notices]

    def _tell(
        self, connection: Connection, happening: Happening, step: tuple[Meeting | None, Meeting], now: datetime
    ) -> Booked:
        before, after = step
        if happening.event is not None:
            write_events(connection, [_event(happening.event, before, after)], now)
        owners = self._owners if happening.tells_owner else ()
        return Booked(after, write_notices(connection, after, happening, owners, now))

    def _add_summary(self, connection: Connection, summary: MeetingSummary, now: datetime) -> Booked | None:
        meeting = find_meeting(connection, summary.meeting_id, lock=True)
        if meeting is None:
            raise NotFoundError(f"meeting {summary.meeting_id}")
        if find_summary(connection, meeting.id) is not None:
            return None
        values = SUMMARIES.values(replace(summary, created_at=now))
        connection.execute(insert(meeting_summaries).values(values))
        data = {"meeting_id": meeting.id, "summary": summary.text}
        told = NewEvent(EventType.MEETING_SUMMARY_GENERATED, meeting.bot, meeting.lead_id, meeting.guest.user_id, data)
        write_events(connection, [told], now)
        owned = replace(meeting, guest=replace(meeting.guest, user_id=0))
        return Booked(meeting, write_notices(connection, owned, Happening(notice=SUMMARY), self._owners, now))


def expire(meeting: Meeting) -> Meeting:
    """Return the meeting in its expired state."""
    return replace(meeting, state=MeetingState.EXPIRED, held_until=None)


def _draft(new: NewMeeting, guest: Guest, now: datetime) -> Meeting:
    return Meeting(
        id=0,
        bot=new.bot,
        lead_id=new.lead_id,
        span=new.span,
        state=MeetingState.TENTATIVE,
        uid=new.uid,
        created_at=now,
        updated_at=now,
        owner=new.owner,
        held_until=now + HOLD,
        guest=guest,
    )


def _event(kind: EventType, before: Meeting | None, after: Meeting) -> NewEvent:
    data = describe(after)
    if before is not None and before.span != after.span:
        data["old_starts_at"] = describe(before)["starts_at"]
    return NewEvent(kind, after.bot, after.lead_id, after.guest.user_id, data)
