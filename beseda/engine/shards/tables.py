"""Replicas of a bot and the shards of its chats that they own."""

from sqlalchemy import Boolean, Column, Table, Text, false

from beseda.db.schema import metadata
from beseda.db.types import UtcTime

# One row a bot, not one a part: it is read and locked at every beat of every replica.
territories = Table(
    "territories",
    metadata,
    Column("bot", Text, primary_key=True),
    Column("owners", Text, nullable=False),  # JSON: the numbers of the parts by the name of their owner
)

replicas = Table(
    "replicas",
    metadata,
    Column("bot", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("joined_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("lease_until", UtcTime, nullable=False),
    Column("leaving", Boolean, nullable=False, server_default=false()),
)
