"""Know message ids

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels = None
depends_on = None

TIME = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
KNOWN = sa.text("message_id IS NOT NULL")


def upgrade() -> None:
    for table, *columns in (
        ("deliveries", sa.Column("bot", sa.Text()), sa.Column("chat_id", sa.BigInteger())),
        ("deliveries", sa.Column("message_box", sa.BigInteger()), sa.Column("begun_at", TIME)),
        ("deliveries", sa.Column("repeats", sa.Integer(), nullable=False, server_default=sa.text("0"))),
        ("deliveries", sa.Column("sent_as", sa.Text(), nullable=False, server_default=sa.text("''"))),
        ("updates", sa.Column("message_id", sa.BigInteger()), sa.Column("message_box", sa.BigInteger())),
        ("broadcast_recipients", sa.Column("bot", sa.Text())),
    ):
        for column in columns:
            op.add_column(table, column)
    for table, names in (
        ("deliveries", ["bot", "message_box", "message_id"]),
        ("updates", ["bot", "message_box", "message_id"]),
        ("broadcast_recipients", ["bot", "message_id"]),
    ):
        op.create_index(f"ix_{table}_message_id", table, names, sqlite_where=KNOWN, postgresql_where=KNOWN)


def downgrade() -> None:
    for table, *names in (
        ("broadcast_recipients", "bot"),
        ("updates", "message_box", "message_id"),
        ("deliveries", "sent_as", "repeats", "begun_at", "message_box", "chat_id", "bot"),
    ):
        op.drop_index(f"ix_{table}_message_id", table)
        for name in names:
            op.drop_column(table, name)
