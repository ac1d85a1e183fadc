"""The table of idempotency records."""

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, Table, Text

from beseda.db.schema import metadata
from beseda.db.types import UtcTime

idempotency_records = Table(
    "kept_answers",  # the name of its first release: a rename is not worth a migration
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
