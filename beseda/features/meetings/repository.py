"""Meetings: each step is one transaction with its time slot, its event and its notices."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeAlias

import orjson
from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, insert, or_, select, update

from beseda.core.chat import Conversation
from beseda.core.clock import Clock, SystemClock
from beseda.core.errors import NotFoundError, TooManyMeetingsError
from beseda.db.database import Database
from beseda.engine.calendar import TimeSpan
from beseda.engine.conversations.repository import find_place
from beseda.engine.events.model import EventType, NewEvent
from beseda.engine.events.repository import write_events
from beseda.engine.updates.model import StoredUpdate
from beseda.features.leads.tables import leads
from beseda.features.meetings._cells import find_overdue, give_back, take
from beseda.features.meetings._notices import describe, write_notices
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
from beseda.features.meetings.tables import meeting_cells, meeting_summaries, meetings

# From a meeting and the time it is to what the meeting becomes: itself where nothing changes.
Step: TypeAlias = Callable[[Meeting, datetime], Meeting]

_ACTIVE = (MeetingState.TENTATIVE.value, MeetingState.CONFIRMED.value)
_live = leads.alias("live")
# A meeting belongs to the person of its own lead, also after that has become part of another. A lead that the company
# has entered without a person has the one of the lead that it is part of.
_user_id = func.coalesce(leads.c.user_id, _live.c.user_id, 0).label("user_id")
_columns = (
    select(meetings, _user_id, leads.c.name, leads.c.contact, leads.c.email)
    .join(leads, leads.c.id == meetings.c.lead_id)
    .outerjoin(_live, _live.c.id == leads.c.merged_into)
)


class MeetingRepository:
    """Implements `MeetingRepository`. `owners` are the Telegram ids that receive notices of a bot's meetings."""

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
        due = await self._database.read(lambda connection: connection.scalars(_find_due(now, limit)).all())
        # One transaction each: a step that cannot be taken keeps no other from being taken.
        return [booked for number in due if (booked := await self._step_if_there(number, step)) is not None]

    async def find_lead(self, lead_id: int, user_id: int | None = None) -> LeadPlace | None:
        """Return the bot and id of a lead, or None if it does not exist.

        If a merged lead is shared by several people, `user_id` selects the lead of that person.
        """
        return await self._database.read(lambda connection: _find_lead(connection, lead_id, user_id))

    async def find_chat(self, bot: str, user_id: int) -> Conversation | None:
        """Return a person's private chat with a bot, or None if the person has never written to it."""
        place = await self._database.read(lambda connection: find_place(connection, bot, user_id))
        return place[0] if place is not None else None

    async def find(self, meeting_id: int) -> Meeting | None:
        """Return a meeting, or None."""
        query = _columns.where(meetings.c.id == meeting_id)
        row = await self._database.read(lambda connection: connection.execute(query).one_or_none())
        return _load(row) if row is not None else None

    async def list(self, wanted: MeetingFilter, page: MeetingPage) -> MeetingList:
        """Return meetings, earliest first. Those of a lead include the meetings of leads that were merged into it."""
        return await self._database.read_long(lambda connection: _list(connection, wanted, page))

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
        query = select(meeting_summaries).where(meeting_summaries.c.meeting_id == meeting_id)
        row = await self._database.read(lambda connection: connection.execute(query).one_or_none())
        if row is None:
            return None
        return MeetingSummary(row.meeting_id, row.text, orjson.loads(row.facts), row.model, row.created_at)

    async def unsummarised(self, *, limit: int) -> Sequence[Meeting]:
        """Return confirmed future meetings without a summary, the earliest first."""
        query = (
            _columns.outerjoin(meeting_summaries, meeting_summaries.c.meeting_id == meetings.c.id)
            .where(
                meetings.c.state == MeetingState.CONFIRMED.value,
                meetings.c.starts_at > self._clock.now(),
                meeting_summaries.c.id.is_(None),
            )
            .order_by(meetings.c.starts_at)
            .limit(limit)
        )
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [_load(row) for row in rows]

    async def _step_if_there(self, meeting_id: int, step: Step) -> Booked | None:
        try:
            return await self.change(meeting_id, step)
        except NotFoundError:  # its lead was deleted in this moment
            return None

    def _book(self, connection: Connection, new: NewMeeting, move: Step, now: datetime) -> Booked:
        guest = _lock_guest(connection, new)
        ahead = _find_ahead(connection, new.lead_id, now)
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
        query = _columns.where(meetings.c.id == meeting_id).with_for_update(of=meetings)
        row = connection.execute(query).one_or_none()
        if row is None:
            raise NotFoundError(f"meeting {meeting_id}")
        before = _load(row)
        after = step(before, now)
        return Booked(before) if after == before else self._apply(connection, before, after, now)

    def _apply(self, connection: Connection, before: Meeting | None, after: Meeting, now: datetime) -> Booked:
        after = replace(after, updated_at=now)
        if before is None:
            values = _values(after)
            after = replace(
                after, id=connection.scalars(insert(meetings).values(values).returning(meetings.c.id)).one()
            )
        else:
            connection.execute(update(meetings).where(meetings.c.id == after.id).values(_values(after)))
        keeps = after.state.is_active
        notices: Sequence[StoredUpdate] = ()
        if before is not None and not (keeps and after.span == before.span):
            give_back(connection, after.id)
        if keeps and (before is None or after.span != before.span):
            notices = self._make_room(connection, after, now)
            take(connection, after)
        told = self._tell(connection, tell(before, after), (before, after), now)
        return replace(told, notices=(*notices, *told.notices))

    def _make_room(self, connection: Connection, meeting: Meeting, now: datetime) -> Sequence[StoredUpdate]:
        """Expire overdue bookings that occupy the time of a meeting, and return the notices of that."""
        overdue = map(_load, find_overdue(connection, meeting, _columns, now))
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
        row = connection.execute(
            _columns.where(meetings.c.id == summary.meeting_id).with_for_update(of=meetings)
        ).one_or_none()
        if row is None:
            raise NotFoundError(f"meeting {summary.meeting_id}")
        known = select(meeting_summaries.c.id).where(meeting_summaries.c.meeting_id == summary.meeting_id)
        if connection.execute(known).one_or_none() is not None:
            return None
        facts = orjson.dumps(list(summary.facts)).decode()
        connection.execute(
            insert(meeting_summaries).values(
                meeting_id=summary.meeting_id,
                text=summary.text,
                facts=facts,
                model=summary.model,
                created_at=now,
            )
        )
        meeting = _load(row)
        data = {"meeting_id": meeting.id, "summary": summary.text}
        told = NewEvent(EventType.MEETING_SUMMARY_GENERATED, meeting.bot, meeting.lead_id, meeting.guest.user_id, data)
        write_events(connection, [told], now)
        owned = replace(meeting, guest=replace(meeting.guest, user_id=0))
        return Booked(meeting, write_notices(connection, owned, Happening(notice=SUMMARY), self._owners, now))


def expire(meeting: Meeting) -> Meeting:
    """Return the meeting in its expired state."""
    return replace(meeting, state=MeetingState.EXPIRED, held_until=None)


def _find_lead(connection: Connection, lead_id: int, user_id: int | None) -> LeadPlace | None:
    row = connection.execute(select(leads.c.bot, leads.c.merged_into).where(leads.c.id == lead_id)).one_or_none()
    if row is None:
        return None
    live_id = row.merged_into or lead_id
    family = or_(leads.c.id == live_id, leads.c.merged_into == live_id)
    own = select(leads.c.id).where(family, leads.c.user_id == user_id).order_by(leads.c.id).limit(1)
    number = connection.scalars(own).one_or_none() if user_id is not None else None
    return LeadPlace(row.bot, number or lead_id)


def _lock_guest(connection: Connection, new: NewMeeting) -> Guest:
    # One booking of a lead at a time: the second of a hasty double press sees the first.
    query = (
        select(_user_id, leads.c.name, leads.c.contact, leads.c.email)
        .outerjoin(_live, _live.c.id == leads.c.merged_into)
        .where(leads.c.id == new.lead_id, leads.c.bot == new.bot)
    )
    row = connection.execute(query.with_for_update(key_share=True, of=leads)).one_or_none()
    if row is None:
        raise NotFoundError(f"lead {new.lead_id}")
    return Guest(row.user_id, row.name, row.contact, row.email)


def _find_ahead(connection: Connection, lead_id: int, now: datetime) -> list[Meeting]:
    query = (
        _columns.where(meetings.c.lead_id == lead_id, meetings.c.state.in_(_ACTIVE), meetings.c.starts_at > now)
        .order_by(meetings.c.id)
        .with_for_update(of=meetings)
    )
    return [meeting for row in connection.execute(query) if not (meeting := _load(row)).is_overdue(now)]


def _find_due(now: datetime, limit: int) -> Select[int]:
    due = or_(meetings.c.held_until <= now, meetings.c.remind_at <= now, meetings.c.ends_at <= now)
    query = select(meetings.c.id).where(meetings.c.state.in_(_ACTIVE), due)
    return query.order_by(meetings.c.starts_at, meetings.c.id).limit(limit)


def _list(connection: Connection, wanted: MeetingFilter, page: MeetingPage) -> MeetingList:
    conditions = _conditions(wanted)
    counted = _columns.where(*conditions).subquery()
    total = connection.scalars(select(func.count()).select_from(counted)).one()
    query = _columns.where(*conditions).order_by(meetings.c.starts_at, meetings.c.id).limit(page.limit + 1)
    if page.after is not None:
        start, number = page.after
        behind = and_(meetings.c.starts_at == start, meetings.c.id > number)
        query = query.where(or_(meetings.c.starts_at > start, behind))
    else:
        query = query.offset(page.offset)
    found = [_load(row) for row in connection.execute(query)]
    items = found[: page.limit]
    more = len(found) > page.limit
    return MeetingList(items, total, (items[-1].starts_at, items[-1].id) if more else None)


def _conditions(wanted: MeetingFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.bot is not None:
        found.append(meetings.c.bot == wanted.bot)
    if wanted.lead_id is not None:
        merged = select(leads.c.id).where(leads.c.merged_into == wanted.lead_id)
        found.append(or_(meetings.c.lead_id == wanted.lead_id, meetings.c.lead_id.in_(merged)))
    if wanted.user_id is not None:
        found.append(_user_id == wanted.user_id)
    if wanted.state is not None:
        found.append(meetings.c.state == wanted.state.value)
    if wanted.since is not None:
        found.append(meetings.c.starts_at >= wanted.since)
    if wanted.until is not None:
        found.append(meetings.c.starts_at < wanted.until)
    return [and_(*found)] if found else []


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


def _values(meeting: Meeting) -> dict[str, object]:
    return {
        "bot": meeting.bot,
        "owner": meeting.owner,
        "lead_id": meeting.lead_id,
        "starts_at": meeting.starts_at,
        "ends_at": meeting.ends_at,
        "state": meeting.state.value,
        "uid": meeting.uid,
        "sequence": meeting.sequence,
        "held_until": meeting.held_until,
        "remind_at": meeting.remind_at,
        "created_at": meeting.created_at,
        "updated_at": meeting.updated_at,
    }


def _load(row: Row[Any]) -> Meeting:
    return Meeting(
        id=row.id,
        bot=row.bot,
        lead_id=row.lead_id,
        span=TimeSpan(row.starts_at, row.ends_at),
        state=MeetingState(row.state),
        uid=row.uid,
        created_at=row.created_at,
        updated_at=row.updated_at,
        owner=row.owner,
        sequence=row.sequence,
        held_until=row.held_until,
        remind_at=row.remind_at,
        guest=Guest(row.user_id, row.name, row.contact, row.email),
    )


def _event(kind: EventType, before: Meeting | None, after: Meeting) -> NewEvent:
    data = describe(after)
    if before is not None and before.span != after.span:
        data["old_starts_at"] = describe(before)["starts_at"]
    return NewEvent(kind, after.bot, after.lead_id, after.guest.user_id, data)
