"""The time slots of a calendar, in quarters of an hour."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from beseda.core.errors import SlotTakenError
from beseda.features.meetings.model import Meeting, MeetingState
from beseda.features.meetings.tables import meeting_cells, meetings


def take(connection: Connection, meeting: Meeting) -> None:
    """Reserve the time of a meeting's span. Raises SlotTakenError if any part of it is taken."""
    build = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    cells = meeting.span.cells()
    rows = [{"bot": meeting.bot, "owner": meeting.owner, "cell": cell, "meeting_id": meeting.id} for cell in cells]
    # PostgreSQL waits here for a transaction that is about to take the same cell, and then counts it as taken.
    statement = build(meeting_cells).values(rows).on_conflict_do_nothing().returning(meeting_cells.c.cell)
    if len(connection.execute(statement).all()) < len(rows):
        raise SlotTakenError(f"{meeting.bot}: {meeting.starts_at:%Y-%m-%dT%H:%MZ} is taken")


def give_back(connection: Connection, meeting_id: int) -> None:
    """Release the time of a meeting."""
    connection.execute(delete(meeting_cells).where(meeting_cells.c.meeting_id == meeting_id))


def find_overdue(connection: Connection, meeting: Meeting, columns: Select[Any], now: datetime) -> Sequence[Row[Any]]:
    """Return the expired bookings that occupy the time of a meeting, locked for this transaction."""
    holders = select(meeting_cells.c.meeting_id).where(
        meeting_cells.c.bot == meeting.bot,
        meeting_cells.c.owner == meeting.owner,
        meeting_cells.c.cell.in_(list(meeting.span.cells())),
    )
    query = columns.where(
        meetings.c.id.in_(holders),
        meetings.c.state == MeetingState.TENTATIVE.value,
        meetings.c.held_until <= now,
    )
    return connection.execute(query.order_by(meetings.c.id).with_for_update(of=meetings)).all()
