"""Requested reports. Their files are named by the number and the format."""

from sqlalchemy import BigInteger, Column, Table, Text

from beseda.db.schema import Key, metadata
from beseda.db.types import CleanText, UtcTime

reports = Table(
    "reports",
    metadata,
    Column("id", Key, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("bot", CleanText, nullable=False),
    Column("since", UtcTime, nullable=False),
    Column("until", UtcTime, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", CleanText, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("created_at", UtcTime, nullable=False, index=True),
    Column("finished_at", UtcTime),
    sqlite_autoincrement=True,
)
