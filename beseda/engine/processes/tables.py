"""Heartbeats of the processes of one installation."""

from sqlalchemy import Boolean, Column, Integer, Table, Text

from beseda.db.schema import metadata
from beseda.db.types import UtcTime

processes = Table(
    "processes",
    metadata,
    Column("name", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("version", Text, nullable=False),
    Column("slots", Text, nullable=False),  # with commas
    Column("keeps_schedule", Boolean, nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
)
