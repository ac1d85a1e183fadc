"""The table of API keys."""

from sqlalchemy import Column, Table, Text

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
