"""API keys, and stored answers for repeated requests (idempotency records)."""

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
)

from beseda.db.schema import Key, metadata
from beseda.db.types import CleanText, UtcTime

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Key, primary_key=True),
    Column("name", CleanText, nullable=False),
    Column("scope", Text, nullable=False),
    Column("secret_hash", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("last_used_at", UtcTime),
    Column("revoked_at", UtcTime),
)

kept_answers = Table(
    "kept_answers",
    metadata,
    Column("key_id", ForeignKey("api_keys.id"), primary_key=True),
    Column("idempotency_key", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("status", Integer),
    Column("headers", Text, nullable=False),
    Column("body", LargeBinary),
    Column("created_at", UtcTime, nullable=False),
    Index(None, "created_at"),
)
