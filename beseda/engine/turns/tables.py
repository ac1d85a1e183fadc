"""Turns, the parts of answers, calls of models."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from beseda.db.schema import Key, metadata
from beseda.db.types import CleanText, UtcTime

turns = Table(
    "turns",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=False),
    Column("conversation_id", ForeignKey("conversations.id"), nullable=False, index=True),
    Column("user_id", ForeignKey("users.id"), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", CleanText, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("reply_to", BigInteger),
    Column("input", CleanText, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Index(None, "conversation_id", "reply_to"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("turn_id", ForeignKey("turns.id"), primary_key=True),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("html", CleanText, nullable=False),
    Column("markup", CleanText, nullable=False),
    Column("media", CleanText, nullable=False, server_default=text("''")),
    Column("state", Text, nullable=False),
    Column("message_id", BigInteger),
    Column("updated_at", UtcTime, nullable=False),
    # Where it goes: of rows written before these columns came it is not known.
    Column("bot", Text),
    Column("chat_id", BigInteger),
    Column("message_box", BigInteger),  # the counter that its message id comes from
    Column("begun_at", UtcTime),  # of the last call that sends it
    Column("repeats", Integer, nullable=False, server_default=text("0")),
    Column("sent_as", CleanText, nullable=False, server_default=text("''")),
)
_IN_CHAT, _NOT_IN_CHAT = deliveries.c.message_id.is_not(None), deliveries.c.message_id.is_(None)
Index(
    "ix_deliveries_message_id",
    deliveries.c.bot,
    deliveries.c.message_box,
    deliveries.c.message_id,
    sqlite_where=_IN_CHAT,
    postgresql_where=_IN_CHAT,
)
_UNDER_WAY = (deliveries.c.state == "sending") & _NOT_IN_CHAT
Index(
    "ix_deliveries_under_way",
    deliveries.c.bot,
    deliveries.c.message_box,
    deliveries.c.begun_at,
    sqlite_where=_UNDER_WAY,
    postgresql_where=_UNDER_WAY,
)

model_calls = Table(
    "model_calls",
    metadata,
    Column("id", Key, primary_key=True),
    # Of an answer. What else is asked belongs to no turn: then bot, and conversation where there is one, are said here.
    Column("turn_id", ForeignKey("turns.id")),
    Column("attempt", Integer, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("prompt_tokens", BigInteger, nullable=False),
    Column("completion_tokens", BigInteger, nullable=False),
    Column("cost", Float),
    Column("estimated", Boolean, nullable=False),
    Column("finish_reason", CleanText, nullable=False),
    Column("first_token_ms", BigInteger, nullable=False),
    Column("total_ms", BigInteger, nullable=False),
    Column("error", CleanText, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("purpose", Text, nullable=False, server_default=text("'answer'")),
    Column("bot", Text, nullable=False, server_default=text("''")),
    Column("conversation_id", ForeignKey("conversations.id", ondelete="CASCADE")),
    UniqueConstraint("turn_id", "attempt"),
)
_BESIDE_ANSWERS = model_calls.c.turn_id.is_(None)
Index(
    "ix_model_calls_beside_answers",
    model_calls.c.created_at,
    sqlite_where=_BESIDE_ANSWERS,
    postgresql_where=_BESIDE_ANSWERS,
)
_ABOUT_ONE = model_calls.c.conversation_id.is_not(None)
Index(
    "ix_model_calls_conversation_id",
    model_calls.c.conversation_id,
    sqlite_where=_ABOUT_ONE,
    postgresql_where=_ABOUT_ONE,
)
