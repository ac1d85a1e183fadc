"""Share updates among replicas

Revision ID: 0006
Revises: 0005
"""

import json
import zlib
from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels = None
depends_on = None

TIME = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")

_updates = sa.table(
    "updates",
    sa.column("bot", sa.Text()),
    sa.column("update_id", sa.BigInteger()),
    sa.column("payload", sa.LargeBinary()),
    sa.column("finished_at", TIME),
    sa.column("partition", sa.Integer()),
)


def upgrade() -> None:
    op.add_column("updates", sa.Column("partition", sa.Integer(), nullable=False, server_default="0"))
    _sort_unfinished()
    op.drop_index("ix_updates_unfinished", table_name="updates")
    _index_unfinished(["bot", "partition", "update_id"])
    op.create_table(
        "territories",
        sa.Column("bot", sa.Text(), nullable=False),
        sa.Column("owners", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("bot", name=op.f("pk_territories")),
    )
    op.create_table(
        "replicas",
        sa.Column("bot", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("joined_at", TIME, nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.Column("lease_until", TIME, nullable=False),
        sa.Column("leaving", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.PrimaryKeyConstraint("bot", "name", name=op.f("pk_replicas")),
    )


def downgrade() -> None:
    op.drop_table("replicas")
    op.drop_table("territories")
    op.drop_index("ix_updates_unfinished", table_name="updates")
    op.drop_column("updates", "partition")
    _index_unfinished(["bot", "update_id"])


def _index_unfinished(columns: list[str]) -> None:
    op.create_index(
        "ix_updates_unfinished",
        "updates",
        columns,
        unique=False,
        sqlite_where=sa.text("finished_at IS NULL"),
        postgresql_where=sa.text("finished_at IS NULL"),
    )


def _sort_unfinished() -> None:
    """Give what waits for the next start the part of its chat; finished ones need none."""
    connection = op.get_bind()
    query = sa.select(_updates.c.bot, _updates.c.update_id, _updates.c.payload).where(_updates.c.finished_at.is_(None))
    for bot, update_id, payload in connection.execute(query).all():
        place = (_updates.c.bot == bot, _updates.c.update_id == update_id)
        connection.execute(sa.update(_updates).where(*place).values(partition=_find_part(payload)))


def _find_part(payload: bytes | None) -> int:
    try:
        update: dict[str, Any] = json.loads(payload or b"{}")
        query = update.get("callback_query") or {}
        owner = (
            update.get("message")
            or query.get("message")
            or update.get("stopped_message_generation")
            or update.get("my_chat_member")
            or {}
        )
        chat_id = int(owner["chat"]["id"])
    except (KeyError, TypeError, ValueError, AttributeError):
        chat_id = 0
    return zlib.crc32(b"%d" % chat_id) % 64
