"""Keep summaries of conversations; jobs that nobody asked for

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    with op.batch_alter_table("jobs") as batch:
        batch.alter_column("chat_id", existing_type=sa.BigInteger(), nullable=True)
        batch.alter_column("user_id", existing_type=KEY, nullable=True)
        batch.add_column(sa.Column("published_at", TIME, nullable=True))
    op.create_table(
        "conversation_summaries",
        sa.Column("id", KEY, nullable=False),
        sa.Column("conversation_id", KEY, nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("cutoff_turn_id", KEY, nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
            name=op.f("fk_conversation_summaries_conversation_id_conversations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversation_summaries")),
        sa.UniqueConstraint("conversation_id", name=op.f("uq_conversation_summaries_conversation_id")),
    )


def downgrade() -> None:
    op.drop_table("conversation_summaries")
    # What belongs to nobody has no place in the older table; files that such a job made stay.
    ownerless = "SELECT id FROM jobs WHERE user_id IS NULL OR chat_id IS NULL"
    op.execute(f"UPDATE files SET job_id = NULL WHERE job_id IN ({ownerless})")  # noqa: S608 - a constant
    op.execute("DELETE FROM jobs WHERE user_id IS NULL OR chat_id IS NULL")
    with op.batch_alter_table("jobs") as batch:
        batch.drop_column("published_at")
        batch.alter_column("user_id", existing_type=KEY, nullable=False)
        batch.alter_column("chat_id", existing_type=sa.BigInteger(), nullable=False)
