"""The tables of the record, as Core objects; repositories and migrations share them.

Times are aware and in UTC. Ids that Telegram gives are BIGINT: they need up to 52 bits
(https://core.telegram.org/bots/api#user).
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from beseda.storage.sql.types import CleanText, UtcTime

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# A 64-bit key. On SQLite only INTEGER is the row's own number: it counts up by itself and costs no second index.
_Key = BigInteger().with_variant(Integer(), "sqlite")

users = Table(
    "users",
    metadata,
    Column("id", _Key, primary_key=True, autoincrement=False),
    Column("name", CleanText, nullable=False),
    Column("username", CleanText, nullable=False),
    Column("language", CleanText, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("last_seen_at", UtcTime, nullable=False),
)

conversations = Table(
    "conversations",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("bot", Text, nullable=False),
    Column("chat_id", BigInteger, nullable=False),
    Column("thread_id", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("title", CleanText, nullable=False),
    Column("user_id", ForeignKey("users.id"), nullable=False, index=True),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    UniqueConstraint("bot", "chat_id", "thread_id"),
)

turns = Table(
    "turns",
    metadata,
    Column("id", _Key, primary_key=True, autoincrement=False),
    Column("conversation_id", ForeignKey("conversations.id"), nullable=False, index=True),
    Column("user_id", ForeignKey("users.id"), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", CleanText, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("reply_to", BigInteger),
    Column("input", CleanText, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
)

updates = Table(
    "updates",
    metadata,
    Column("bot", Text, primary_key=True),
    Column("update_id", BigInteger, primary_key=True, autoincrement=False),
    Column("payload", LargeBinary),
    Column("turn_id", ForeignKey("turns.id")),
    Column("received_at", UtcTime, nullable=False),
    Column("finished_at", UtcTime),
)
Index(
    "ix_updates_unfinished",
    updates.c.bot,
    updates.c.update_id,
    sqlite_where=text("finished_at IS NULL"),
    postgresql_where=text("finished_at IS NULL"),
)
Index(
    "ix_updates_turn_id",
    updates.c.turn_id,
    sqlite_where=text("turn_id IS NOT NULL"),
    postgresql_where=text("turn_id IS NOT NULL"),
)

messages = Table(
    "messages",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("conversation_id", ForeignKey("conversations.id"), nullable=False),
    Column("turn_id", ForeignKey("turns.id"), nullable=False),
    Column("role", Text, nullable=False),
    Column("content", CleanText, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    UniqueConstraint("turn_id", "role"),
    Index(None, "conversation_id", "turn_id", "id"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("turn_id", ForeignKey("turns.id"), primary_key=True),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("html", CleanText, nullable=False),
    Column("markup", CleanText, nullable=False),
    Column("media", CleanText, nullable=False, server_default=text("''")),
    Column("state", Text, nullable=False),
    Column("message_id", BigInteger),
    Column("updated_at", UtcTime, nullable=False),
)

model_calls = Table(
    "model_calls",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("turn_id", ForeignKey("turns.id"), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("prompt_tokens", BigInteger, nullable=False),
    Column("completion_tokens", BigInteger, nullable=False),
    Column("cost", Float),
    Column("estimated", Boolean, nullable=False),
    Column("finish_reason", CleanText, nullable=False),
    Column("first_token_ms", BigInteger, nullable=False),
    Column("total_ms", BigInteger, nullable=False),
    Column("error", CleanText, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    UniqueConstraint("turn_id", "attempt"),
)

flood_waits = Table(
    "flood_waits",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("bot", Text, nullable=False),
    Column("chat_id", BigInteger),
    Column("chat_kind", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("occurred_at", UtcTime, nullable=False, index=True),
)

states = Table(
    "states",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", CleanText, nullable=False),
    Column("expires_at", UtcTime, index=True),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", _Key, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("payload", CleanText, nullable=False),
    Column("bot", Text, nullable=False),
    Column("chat_id", BigInteger, nullable=False),
    Column("user_id", ForeignKey("users.id"), nullable=False, index=True),
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
)
_UNFINISHED_JOB = text("finished_at IS NULL")
Index(
    "ix_jobs_unfinished",
    jobs.c.slot,
    jobs.c.ticket,
    jobs.c.id,
    sqlite_where=_UNFINISHED_JOB,
    postgresql_where=_UNFINISHED_JOB,
)

files = Table(
    "files",
    metadata,
    Column("id", _Key, primary_key=True, autoincrement=False),
    Column("bot", Text, nullable=False),
    Column("user_id", ForeignKey("users.id"), nullable=False),
    Column("chat_id", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("title", CleanText, nullable=False),
    Column("path", Text, nullable=False),
    Column("mime", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("turn_id", ForeignKey("turns.id", ondelete="SET NULL"), index=True),
    Column("job_id", ForeignKey("jobs.id", ondelete="SET NULL"), index=True),
    Column("created_at", UtcTime, nullable=False, index=True),
    Index(None, "user_id", "bot", "id"),
)
