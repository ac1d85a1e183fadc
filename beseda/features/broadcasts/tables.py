"""Broadcasts, their recipients and opt-outs."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from beseda.db.schema import Key, metadata
from beseda.db.types import CleanText, UtcTime

broadcasts = Table(
    "broadcasts",
    metadata,
    Column("id", Key, primary_key=True),
    Column("bot", Text, nullable=False),
    Column("title", CleanText, nullable=False),
    Column("content", CleanText, nullable=False),
    Column("audience", CleanText, nullable=False),
    Column("rate", Float, nullable=False),
    Column("cohort", Text, nullable=False),
    Column("quiet", Text, nullable=False),
    Column("author", CleanText, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", CleanText, nullable=False),
    Column("photo", Text, nullable=False),
    Column("photo_bytes", LargeBinary),
    Column("version", BigInteger, nullable=False),
    Column("run", Integer, nullable=False),
    Column("approved", Boolean, nullable=False),
    Column("gathered", Boolean, nullable=False),
    Column("gathered_to", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("attempted", BigInteger, nullable=False),
    Column("sent", BigInteger, nullable=False),
    Column("blocked", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("skipped", BigInteger, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("started_at", UtcTime),
    Column("sending_since", UtcTime),  # when somebody last said that it begins or goes on
    Column("finished_at", UtcTime),
    Column("resumes_at", UtcTime),
    Index(None, "bot", "id"),
)

ONE_RUNNING = "uq_broadcasts_running"
_RUNNING = text("state = 'running'")
Index(ONE_RUNNING, broadcasts.c.bot, unique=True, sqlite_where=_RUNNING, postgresql_where=_RUNNING)

broadcast_recipients = Table(
    "broadcast_recipients",
    metadata,
    Column("broadcast_id", ForeignKey("broadcasts.id"), nullable=False),
    Column("user_id", ForeignKey("users.id"), nullable=False, index=True),
    Column("state", Text, nullable=False),
    Column("message_id", BigInteger),
    Column("reason", CleanText, nullable=False),
    Column("settled_at", UtcTime),
    Column("bot", Text),  # that of the broadcast, from the moment the message is sent
    PrimaryKeyConstraint("broadcast_id", "user_id"),
    Index(None, "broadcast_id", "settled_at"),
)

_PENDING = text("state = 'pending'")
Index(
    "ix_broadcast_recipients_pending",
    broadcast_recipients.c.broadcast_id,
    broadcast_recipients.c.user_id,
    sqlite_where=_PENDING,
    postgresql_where=_PENDING,
)

_IN_CHAT = broadcast_recipients.c.message_id.is_not(None)
Index(
    "ix_broadcast_recipients_message_id",
    broadcast_recipients.c.bot,
    broadcast_recipients.c.message_id,
    sqlite_where=_IN_CHAT,
    postgresql_where=_IN_CHAT,
)

# Who is not to be written to by a bot. Only who opted out, or blocked it, has a row.
subscriptions = Table(
    "subscriptions",
    metadata,
    Column("bot", Text, nullable=False),
    Column("user_id", ForeignKey("users.id"), nullable=False, index=True),
    Column("opted_out_at", UtcTime),
    Column("blocked_at", UtcTime),
    PrimaryKeyConstraint("bot", "user_id"),
)
