"""Events, webhook endpoints and the state of deliveries."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from beseda.db.schema import Key, metadata
from beseda.db.types import CleanText, UtcTime

# No reference to what they tell of: the last event of a lead tells that it was deleted.
events = Table(
    "events",
    metadata,
    Column("id", Key, primary_key=True),
    Column("type", Text, nullable=False),
    Column("bot", Text, nullable=False),
    Column("lead_id", BigInteger),
    Column("user_id", BigInteger),
    Column("data", CleanText, nullable=False),
    Column("occurred_at", UtcTime, nullable=False),
    Index(None, "lead_id", "id"),
    Index(None, "user_id", "id"),
    Index(None, "type", "id"),
    Index(None, "bot", "id"),
    Index(None, "occurred_at"),
    sqlite_autoincrement=True,
)

webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    Column("id", Key, primary_key=True),
    Column("url", CleanText, nullable=False),
    Column("bot", Text, nullable=False),
    Column("types", Text, nullable=False),
    Column("description", CleanText, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("reason", CleanText, nullable=False),
    Column("salt", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("resting_until", UtcTime),
    Column("silences", Integer, nullable=False, server_default="0"),
    # Of the secret that the key was derived from. Empty before fingerprints were kept.
    Column("fingerprint", Text, nullable=False, server_default=text("''")),
    Column("old_salt", Text, nullable=False, server_default=text("''")),
    Column("old_fingerprint", Text, nullable=False, server_default=text("''")),
    Column("old_key_until", UtcTime),
    sqlite_autoincrement=True,
)

_waits = text("state = 'pending'")

event_deliveries = Table(
    "event_deliveries",
    metadata,
    Column("id", Key, primary_key=True),
    Column("event_id", ForeignKey("events.id", ondelete="CASCADE"), nullable=False),
    Column("endpoint_id", ForeignKey("webhook_endpoints.id", ondelete="CASCADE"), nullable=False),
    Column("lead_id", BigInteger),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("lease_until", UtcTime),
    Column("status", Integer),
    Column("error", CleanText, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("finished_at", UtcTime),
    UniqueConstraint("event_id", "endpoint_id"),
    Index(None, "endpoint_id", "id"),
    Index("ix_event_deliveries_due", "due_at", "id", sqlite_where=_waits, postgresql_where=_waits),
    Index("ix_event_deliveries_lead", "endpoint_id", "lead_id", "id", sqlite_where=_waits, postgresql_where=_waits),
    sqlite_autoincrement=True,
)
