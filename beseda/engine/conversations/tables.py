"""People, conversations and their messages."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Table,
    Text,
    UniqueConstraint,
)

from beseda.db.schema import Key, metadata
from beseda.db.types import CleanText, UtcTime

users = Table(
    "users",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=False),
    Column("name", CleanText, nullable=False),
    Column("username", CleanText, nullable=False),
    Column("language", CleanText, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("last_seen_at", UtcTime, nullable=False),
)

conversations = Table(
    "conversations",
    metadata,
    Column("id", Key, primary_key=True),
    Column("bot", Text, nullable=False),
    Column("chat_id", BigInteger, nullable=False),
    Column("thread_id", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("title", CleanText, nullable=False),
    Column("user_id", ForeignKey("users.id"), nullable=False, index=True),
    Column("created_at", UtcTime, nullable=False, index=True),
    Column("updated_at", UtcTime, nullable=False),
    UniqueConstraint("bot", "chat_id", "thread_id"),
)

messages = Table(
    "messages",
    metadata,
    Column("id", Key, primary_key=True),
    Column("conversation_id", ForeignKey("conversations.id"), nullable=False),
    Column("turn_id", ForeignKey("turns.id"), nullable=False),
    Column("role", Text, nullable=False),
    Column("content", CleanText, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("operator", CleanText),
    UniqueConstraint("turn_id", "role"),
    Index(None, "conversation_id", "turn_id", "id"),
)
