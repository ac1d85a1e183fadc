"""The inbox."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    text,
)

from beseda.db.schema import metadata
from beseda.db.types import UtcTime

updates = Table(
    "updates",
    metadata,
    Column("bot", Text, primary_key=True),
    Column("update_id", BigInteger, primary_key=True, autoincrement=False),
    Column("payload", LargeBinary),
    Column("turn_id", ForeignKey("turns.id")),
    Column("received_at", UtcTime, nullable=False),
    Column("finished_at", UtcTime),
    Column("partition", Integer, nullable=False, server_default="0"),
    Column("queue_key", Text),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("evidence", Integer, nullable=False, server_default="0"),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("message_id", BigInteger),  # of the message that it brought
    Column("message_box", BigInteger),  # the counter that this id comes from
)

Index(
    "ix_updates_unfinished",
    updates.c.bot,
    updates.c.partition,
    updates.c.update_id,
    sqlite_where=text("finished_at IS NULL"),
    postgresql_where=text("finished_at IS NULL"),
)

Index(
    "ix_updates_turn_id",
    updates.c.turn_id,
    sqlite_where=text("turn_id IS NOT NULL"),
    postgresql_where=text("turn_id IS NOT NULL"),
)

_BROUGHT = updates.c.message_id.is_not(None)
Index(
    "ix_updates_message_id",
    updates.c.bot,
    updates.c.message_box,
    updates.c.message_id,
    sqlite_where=_BROUGHT,
    postgresql_where=_BROUGHT,
)
