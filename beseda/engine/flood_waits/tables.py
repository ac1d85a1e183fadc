"""Telegram's flood control."""

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Table,
    Text,
)

from beseda.db.schema import Key, metadata
from beseda.db.types import UtcTime

flood_waits = Table(
    "flood_waits",
    metadata,
    Column("id", Key, primary_key=True),
    Column("bot", Text, nullable=False),
    Column("chat_id", BigInteger),
    Column("chat_kind", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("occurred_at", UtcTime, nullable=False, index=True),
)
