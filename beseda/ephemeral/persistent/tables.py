"""Small values of chats and people."""

from sqlalchemy import (
    Column,
    Table,
    Text,
)

from beseda.db.schema import metadata
from beseda.db.types import CleanText, UtcTime

states = Table(
    "states",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", CleanText, nullable=False),
    Column("expires_at", UtcTime, index=True),
)
