"""Stored files."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Table,
    Text,
)

from beseda.db.schema import Key, metadata
from beseda.db.types import CleanText, UtcTime

files = Table(
    "files",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=False),
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
