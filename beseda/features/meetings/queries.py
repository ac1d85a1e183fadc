"""Statements of meetings: rows read, locked and written, lists, and the cells of a calendar."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, delete, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from beseda.core.errors import NotFoundError, SlotTakenError
from beseda.db.mapping import RowMapping
from beseda.engine.calendar import TimeSpan
from beseda.features.leads.tables import leads
from beseda.features.meetings.model import (
    Guest,
    LeadPlace,
    Meeting,
    MeetingFilter,
    MeetingList,
    MeetingPage,
    MeetingState,
    MeetingSummary,
    NewMeeting,
)
from beseda.features.meetings.tables import meeting_cells, meeting_summaries, meetings

_ACTIVE = (MeetingState.TENTATIVE.value, MeetingState.CONFIRMED.value)
_live = leads.alias("live")
# A meeting belongs to the person of its own lead, also after that has become part of another. A lead that the company
# has entered without a person has the one of the lead that it is part of.
_user_id = func.coalesce(leads.c.user_id, _live.c.user_id, 0).label("user_id")
select_meetings = (
    select(meetings, _user_id, leads.c.name, leads.c.contact, leads.c.email)
    .join(leads, leads.c.id == meetings.c.lead_id)
    .outerjoin(_live, _live.c.id == leads.c.merged_into)
)
_MEETINGS = RowMapping(Meeting, meetings, without={"span", "guest"})
_GUESTS = RowMapping(Guest, select_meetings.subquery())
SUMMARIES = RowMapping(MeetingSummary, meeting_summaries)


def load_meeting(row: Row[Any]) -> Meeting:
    """Return the meeting of a row of `select_meetings`."""
    return _MEETINGS.load(row, span=TimeSpan(row.starts_at, row.ends_at), guest=_GUESTS.load(row))


def meeting_values(meeting: Meeting) -> dict[str, object]:
    """Return the columns of a meeting without its number."""
    times = {"starts_at": meeting.starts_at, "ends_at": meeting.ends_at}
    return {**_MEETINGS.values(meeting, without={"id"}), **times}


def find_meeting(connection: Connection, meeting_id: int, *, lock: bool = False) -> Meeting | None:
    """Return a meeting, or None. With `lock`, the row is locked until the transaction ends."""
    query = select_meetings.where(meetings.c.id == meeting_id)
    row = connection.execute(query.with_for_update(of=meetings) if lock else query).one_or_none()
    return load_meeting(row) if row is not None else None


def find_summary(connection: Connection, meeting_id: int) -> MeetingSummary | None:
    """Return the summary of a meeting, or None."""
    query = select(*SUMMARIES.columns).where(meeting_summaries.c.meeting_id == meeting_id)
    row = connection.execute(query).one_or_none()
    return SUMMARIES.load(row) if row is not None else None


def find_lead(connection: Connection, lead_id: int, user_id: int | None) -> LeadPlace | None:
    """Return the bot and id of a lead, or None; of a shared lead, that of the person `user_id`."""
    row = connection.execute(select(leads.c.bot, leads.c.merged_into).where(leads.c.id == lead_id)).one_or_none()
    if row is None:
        return None
    live_id = row.merged_into or lead_id
    family = or_(leads.c.id == live_id, leads.c.merged_into == live_id)
    own = select(leads.c.id).where(family, leads.c.user_id == user_id).order_by(leads.c.id).limit(1)
    number = connection.scalars(own).one_or_none() if user_id is not None else None
    return LeadPlace(row.bot, number or lead_id)


def lock_guest(connection: Connection, new: NewMeeting) -> Guest:
    """Return the person of a lead, locked. Raises NotFoundError."""
    # One booking of a lead at a time: the second of a hasty double press sees the first.
    query = (
        select(_user_id, leads.c.name, leads.c.contact, leads.c.email)
        .outerjoin(_live, _live.c.id == leads.c.merged_into)
        .where(leads.c.id == new.lead_id, leads.c.bot == new.bot)
    )
    row = connection.execute(query.with_for_update(key_share=True, of=leads)).one_or_none()
    if row is None:
        raise NotFoundError(f"lead {new.lead_id}")
    return _GUESTS.load(row)


def find_ahead(connection: Connection, lead_id: int, now: datetime) -> list[Meeting]:
    """Return the active meetings of a lead that are still to come, locked."""
    query = (
        select_meetings.where(meetings.c.lead_id == lead_id, meetings.c.state.in_(_ACTIVE), meetings.c.starts_at > now)
        .order_by(meetings.c.id)
        .with_for_update(of=meetings)
    )
    return [meeting for row in connection.execute(query) if not (meeting := load_meeting(row)).is_overdue(now)]


def select_due(now: datetime, limit: int) -> Select[int]:
    """Return the query for the numbers of meetings that are due, the earliest first."""
    due = or_(meetings.c.held_until <= now, meetings.c.remind_at <= now, meetings.c.ends_at <= now)
    query = select(meetings.c.id).where(meetings.c.state.in_(_ACTIVE), due)
    return query.order_by(meetings.c.starts_at, meetings.c.id).limit(limit)


def list_meetings(connection: Connection, wanted: MeetingFilter, page: MeetingPage) -> MeetingList:
    """Return a page of meetings, earliest first."""
    conditions = _conditions(wanted)
    counted = select_meetings.where(*conditions).subquery()
    total = connection.scalars(select(func.count()).select_from(counted)).one()
    query = select_meetings.where(*conditions).order_by(meetings.c.starts_at, meetings.c.id).limit(page.limit + 1)
    if page.after is not None:
        start, number = page.after
        behind = and_(meetings.c.starts_at == start, meetings.c.id > number)
        query = query.where(or_(meetings.c.starts_at > start, behind))
    else:
        query = query.offset(page.offset)
    found = [load_meeting(row) for row in connection.execute(query)]
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


def take_cells(connection: Connection, meeting: Meeting) -> None:
    """Reserve the time of a meeting's span. Raises SlotTakenError if any part of it is taken."""
    build = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    cells = meeting.span.cells()
    rows = [{"bot": meeting.bot, "owner": meeting.owner, "cell": cell, "meeting_id": meeting.id} for cell in cells]
    # PostgreSQL waits here for a transaction that is about to take the same cell, and then counts it as taken.
    statement = build(meeting_cells).values(rows).on_conflict_do_nothing().returning(meeting_cells.c.cell)
    if len(connection.execute(statement).all()) < len(rows):
        raise SlotTakenError(f"{meeting.bot}: {meeting.starts_at:%Y-%m-%dT%H:%MZ} is taken")


def free_cells(connection: Connection, meeting_id: int) -> None:
    """Release the time of a meeting."""
    connection.execute(delete(meeting_cells).where(meeting_cells.c.meeting_id == meeting_id))


def find_overdue(connection: Connection, meeting: Meeting, now: datetime) -> Sequence[Meeting]:
    """Return the expired bookings that occupy the time of a meeting, locked for this transaction."""
    holders = select(meeting_cells.c.meeting_id).where(
        meeting_cells.c.bot == meeting.bot,
        meeting_cells.c.owner == meeting.owner,
        meeting_cells.c.cell.in_(list(meeting.span.cells())),
    )
    query = select_meetings.where(
        meetings.c.id.in_(holders),
        meetings.c.state == MeetingState.TENTATIVE.value,
        meetings.c.held_until <= now,
    )
    rows = connection.execute(query.order_by(meetings.c.id).with_for_update(of=meetings)).all()
    return [load_meeting(row) for row in rows]
