"""Leads, their fields, stages and consents, and the totals by kind.

Lists are read by index alone, for every single filter field: each such field has an index in both orders. The indexes
contain live leads only; a merged lead stays as a trace.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    text,
)

from beseda.db.schema import Key, metadata
from beseda.db.types import CleanText, UtcTime


def _live(*names: str, condition: str = "", unique: bool = False) -> Index:
    where = text(f"merged_into IS NULL{condition}")
    name = f"{'uq' if unique else 'ix'}_leads_{'_'.join(names)}"
    return Index(name, *names, unique=unique, sqlite_where=where, postgresql_where=where)


leads = Table(
    "leads",
    metadata,
    Column("id", Key, primary_key=True),
    Column("bot", Text, nullable=False),
    Column("user_id", ForeignKey("users.id")),
    Column("name", CleanText, nullable=False),
    Column("contact", CleanText, nullable=False),
    Column("phone", Text, nullable=False),
    Column("email", CleanText, nullable=False),
    Column("email_key", CleanText, nullable=False),
    Column("source", CleanText, nullable=False),
    Column("status", Text, nullable=False),
    Column("stage", CleanText, nullable=False),
    Column("owner", CleanText, nullable=False),
    Column("notes", CleanText, nullable=False),
    Column("fit_score", Integer, nullable=False),
    Column("search", CleanText, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("merged_into", ForeignKey("leads.id"), index=True),
    Column("phone_evidence", Text, nullable=False, server_default=text("''")),
    # One live lead for a person in a bot, whoever writes at the same moment. A phone or a mail address may stand in
    # several: a named one is no proof of identity.
    _live("bot", "user_id", unique=True),
    _live("bot", "phone", condition=" AND phone <> ''"),
    _live("bot", "email_key", condition=" AND email_key <> ''"),
    Index(None, "user_id"),
    _live("created_at", "id"),
    _live("updated_at", "id"),
    _live("bot", "created_at", "id"),
    _live("bot", "updated_at", "id"),
    _live("status", "created_at", "id"),
    _live("status", "updated_at", "id"),
    _live("stage", "created_at", "id"),
    _live("stage", "updated_at", "id"),
    _live("owner", "created_at", "id"),
    _live("owner", "updated_at", "id"),
    # The number of a lead that was deleted is not given out again: its last event carries it.
    sqlite_autoincrement=True,
)

lead_slots = Table(
    "lead_slots",
    metadata,
    Column("lead_id", ForeignKey("leads.id", ondelete="CASCADE"), primary_key=True),
    Column("name", CleanText, primary_key=True),
    Column("value", CleanText, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("message_id", ForeignKey("messages.id", ondelete="SET NULL"), index=True),
    Column("user_id", ForeignKey("users.id")),
    Column("quote", CleanText, nullable=False),
    Column("state", Text, nullable=False),
    Column("extracted_at", UtcTime, nullable=False),
)

lead_stages = Table(
    "lead_stages",
    metadata,
    Column("id", Key, primary_key=True),
    Column("lead_id", ForeignKey("leads.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("stage", CleanText, nullable=False),
    Column("entered_at", UtcTime, nullable=False),
    Column("exited_at", UtcTime),
)

lead_consents = Table(
    "lead_consents",
    metadata,
    Column("id", Key, primary_key=True),
    Column("lead_id", ForeignKey("leads.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("user_id", ForeignKey("users.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Column("given_at", UtcTime),
    Column("revoked_at", UtcTime),
    Column("message_id", ForeignKey("messages.id", ondelete="SET NULL"), index=True),
    Column("words", CleanText, nullable=False),
)

# How many live leads there are, kept with every change: counting a million takes longer than listing them.
lead_totals = Table(
    "lead_totals",
    metadata,
    Column("bot", Text, primary_key=True),
    Column("status", Text, primary_key=True),
    Column("stage", CleanText, primary_key=True),
    Column("count", BigInteger, nullable=False),
)
