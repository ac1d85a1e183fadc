"""Conversations that an operator has taken over."""

from sqlalchemy import Column, ForeignKey, Table

from beseda.db.schema import metadata
from beseda.db.types import CleanText, UtcTime

takeovers = Table(
    "takeovers",
    metadata,
    Column("conversation_id", ForeignKey("conversations.id"), primary_key=True),
    Column("operator", CleanText, nullable=False),
    Column("since", UtcTime, nullable=False),
)
