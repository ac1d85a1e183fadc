"""Meetings, their time slots, and the summaries for their owners."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, Text, text

from beseda.db.schema import Key, metadata
from beseda.db.types import CleanText, UtcTime

meetings = Table(
    "meetings",
    metadata,
    Column("id", Key, primary_key=True),
    Column("bot", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("lead_id", ForeignKey("leads.id", ondelete="CASCADE"), nullable=False),
    Column("starts_at", UtcTime, nullable=False),
    Column("ends_at", UtcTime, nullable=False),
    Column("state", Text, nullable=False),
    Column("uid", Text, nullable=False, unique=True),
    Column("sequence", Integer, nullable=False),
    Column("held_until", UtcTime),
    Column("remind_at", UtcTime),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Index(None, "lead_id", "id"),
    Index(None, "bot", "starts_at"),
    # Events name meetings whose lead has been deleted since: their number is not given out again.
    sqlite_autoincrement=True,
)

_ACTIVE = text("state IN ('tentative', 'confirmed')")

# What time changes by itself: the few meetings that are still ahead.
Index(
    "ix_meetings_active",
    meetings.c.starts_at,
    sqlite_where=_ACTIVE,
    postgresql_where=_ACTIVE,
)

# A quarter of an hour of a calendar belongs to one meeting: that is what makes double booking impossible, overlaps
# included. Rows go when the meeting gives its time back.
meeting_cells = Table(
    "meeting_cells",
    metadata,
    Column("bot", Text, primary_key=True),
    Column("owner", Text, primary_key=True),
    Column("cell", BigInteger, primary_key=True, autoincrement=False),
    Column("meeting_id", ForeignKey("meetings.id", ondelete="CASCADE"), nullable=False, index=True),
)

meeting_summaries = Table(
    "meeting_summaries",
    metadata,
    Column("id", Key, primary_key=True),
    Column("meeting_id", ForeignKey("meetings.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("text", CleanText, nullable=False),
    Column("facts", CleanText, nullable=False),
    Column("model", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
)
