"""Keep summaries of conversations; jobs that nobody asked for; calls of models that are no turn's answer

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
INDEXES = (
    ("ix_model_calls_beside_answers", "created_at", "turn_id IS NULL"),
    ("ix_model_calls_conversation_id", "conversation_id", "conversation_id IS NOT NULL"),
)


def upgrade() -> None:
    with op.batch_alter_table("jobs") as batch:
        batch.alter_column("chat_id", existing_type=sa.BigInteger(), nullable=True)
        batch.alter_column("user_id", existing_type=KEY, nullable=True)
        batch.add_column(sa.Column("published_at", TIME, nullable=True))
    _widen_model_calls()
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


def _widen_model_calls() -> None:
    with op.batch_alter_table("model_calls") as batch:
        batch.alter_column("turn_id", existing_type=KEY, nullable=True)
        batch.add_column(sa.Column("purpose", sa.Text(), server_default=sa.text("'answer'"), nullable=False))
        batch.add_column(sa.Column("bot", sa.Text(), server_default=sa.text("''"), nullable=False))
        batch.add_column(sa.Column("conversation_id", KEY, nullable=True))
        batch.create_foreign_key(
            op.f("fk_model_calls_conversation_id_conversations"),
            "conversations",
            ["conversation_id"],
            ["id"],
            ondelete="CASCADE",
        )
    for name, column, condition in INDEXES:
        where = sa.text(condition)
        op.create_index(name, "model_calls", [column], sqlite_where=where, postgresql_where=where)


def _narrow_model_calls() -> None:
    for name, _, _ in INDEXES:
        op.drop_index(name, table_name="model_calls")
    op.execute("DELETE FROM model_calls WHERE turn_id IS NULL")
    with op.batch_alter_table("model_calls") as batch:
        batch.drop_constraint(op.f("fk_model_calls_conversation_id_conversations"), type_="foreignkey")
        batch.drop_column("conversation_id")
        batch.drop_column("bot")
        batch.drop_column("purpose")
        batch.alter_column("turn_id", existing_type=KEY, nullable=False)


def downgrade() -> None:
    op.drop_table("conversation_summaries")
    _narrow_model_calls()
    # What belongs to nobody has no place in the older table; files that such a job made stay.
    ownerless = "SELECT id FROM jobs WHERE user_id IS NULL OR chat_id IS NULL"
    op.execute(f"UPDATE files SET job_id = NULL WHERE job_id IN ({ownerless})")  # noqa: S608 - a constant
    op.execute("DELETE FROM jobs WHERE user_id IS NULL OR chat_id IS NULL")
    with op.batch_alter_table("jobs") as batch:
        batch.drop_column("published_at")
        batch.alter_column("user_id", existing_type=KEY, nullable=False)
        batch.alter_column("chat_id", existing_type=sa.BigInteger(), nullable=False)
