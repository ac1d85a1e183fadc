"""Rolled-up figures, so that showing a month does not require counting a million messages."""

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, Integer, Table, Text

from beseda.db.schema import metadata
from beseda.db.types import UtcTime

# `response_times` is JSON: how many answers took from so many milliseconds up to the next bucket of the domain. A row
# for each bucket would be thirty times as many to fetch for a plot by the hour.
hourly_figures = Table(
    "hourly_figures",
    metadata,
    Column("bot", Text, primary_key=True),
    Column("hour", UtcTime, primary_key=True),
    Column("conversations", BigInteger, nullable=False),
    Column("messages", BigInteger, nullable=False),
    Column("answers", BigInteger, nullable=False),
    Column("failures", BigInteger, nullable=False),
    Column("model_calls", BigInteger, nullable=False),
    Column("model_failures", BigInteger, nullable=False),
    Column("prompt_tokens", BigInteger, nullable=False),
    Column("completion_tokens", BigInteger, nullable=False),
    Column("cost", Float, nullable=False),
    Column("flood_waits", BigInteger, nullable=False),
    Column("flood_seconds", Float, nullable=False),
    Column("response_times", Text, nullable=False),
    Index(None, "hour"),
)

# Who wrote to a bot in a month, and on which days: bit 0 of `days` is the first. Distinct people cannot be added up, so
# they are kept, a row for a month; those of the bot "" wrote to any.
active_users = Table(
    "active_users",
    metadata,
    Column("bot", Text, primary_key=True),
    Column("month", UtcTime, primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False, index=True),
    Column("days", BigInteger, nullable=False),
)

# `won` counts leads that were won on the day while in the stage.
conversion_funnel = Table(
    "conversion_funnel",
    metadata,
    Column("bot", Text, primary_key=True),
    Column("day", UtcTime, primary_key=True),
    Column("stage", Text, primary_key=True),
    Column("entered", BigInteger, nullable=False),
    Column("exited", BigInteger, nullable=False),
    Column("won", BigInteger, nullable=False),
    Index(None, "day"),
)

conversation_metrics = Table(
    "conversation_metrics",
    metadata,
    Column(
        "conversation_id", ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    ),
    Column("message_count", BigInteger, nullable=False),
    Column("duration_days", Integer, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
)

# How far each roll-up has come: everything before `until` is in it.
rollups = Table(
    "rollups",
    metadata,
    Column("name", Text, primary_key=True),
    Column("until", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
)
