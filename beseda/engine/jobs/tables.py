"""Jobs."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    text,
)

from beseda.db.schema import Key, metadata
from beseda.db.types import CleanText, UtcTime

jobs = Table(
    "jobs",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("payload", CleanText, nullable=False),
    Column("bot", Text, nullable=False),
    Column("chat_id", BigInteger),
    Column("user_id", ForeignKey("users.id"), index=True),
    Column("slot", Text, nullable=False),
    Column("ticket", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("max_attempts", Integer, nullable=False),
    Column("losses", Integer, nullable=False),
    Column("done", Float, nullable=False),
    Column("total", Float, nullable=False),
    Column("note", CleanText, nullable=False),
    Column("result", CleanText),
    Column("reason", CleanText, nullable=False),
    Column("cancelling", Boolean, nullable=False),
    Column("owner", Text, nullable=False),
    Column("lease_until", UtcTime),
    Column("created_at", UtcTime, nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("started_at", UtcTime),
    Column("finished_at", UtcTime),
    Column("published_at", UtcTime),  # when its number was last handed to a broker; empty where none is
)

_UNFINISHED_JOB = text("finished_at IS NULL")

Index("ix_jobs_created_at_id", jobs.c.created_at, jobs.c.id)

Index(
    "ix_jobs_unfinished",
    jobs.c.slot,
    jobs.c.ticket,
    jobs.c.id,
    sqlite_where=_UNFINISHED_JOB,
    postgresql_where=_UNFINISHED_JOB,
)
