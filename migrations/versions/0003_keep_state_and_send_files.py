"""Keep state, and send files with the parts of an answer

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels = None
depends_on = None

TIME = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("media", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.create_table(
        "states",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("expires_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_states")),
    )
    op.create_index(op.f("ix_states_expires_at"), "states", ["expires_at"], unique=False)


def downgrade() -> None:
    op.drop_table("states")
    op.drop_column("deliveries", "media")
