"""Summaries of conversations."""

from sqlalchemy import Column, ForeignKey, Table, Text

from beseda.db.schema import Key, metadata
from beseda.db.types import CleanText, UtcTime

conversation_summaries = Table(
    "conversation_summaries",
    metadata,
    Column("id", Key, primary_key=True),
    Column("conversation_id", ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("summary", CleanText, nullable=False),
    # The last turn that it tells of. No reference: that turn may be deleted, and what is told of it with it.
    Column("cutoff_turn_id", Key, nullable=False),
    Column("model", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
)
