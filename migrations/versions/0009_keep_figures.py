"""Keep figures and reports

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    op.create_index(op.f("ix_conversations_created_at"), "conversations", ["created_at"], unique=False)
    _create_hours()
    _create_days()
    op.create_table(
        "conversation_metrics",
        sa.Column("conversation_id", KEY, autoincrement=False, nullable=False),
        sa.Column("message_count", sa.BigInteger(), nullable=False),
        sa.Column("duration_days", sa.Integer(), nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
            name=op.f("fk_conversation_metrics_conversation_id_conversations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("conversation_id", name=op.f("pk_conversation_metrics")),
    )
    op.create_table(
        "rollups",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("until", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_rollups")),
    )
    op.create_table(
        "reports",
        sa.Column("id", KEY, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("bot", sa.Text(), nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("until", TIME, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_reports_created_at"), "reports", ["created_at"], unique=False)


def _create_hours() -> None:
    whole = ("conversations", "messages", "answers", "failures", "model_calls", "model_failures")
    op.create_table(
        "hourly_figures",
        sa.Column("bot", sa.Text(), nullable=False),
        sa.Column("hour", TIME, nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in whole),
        sa.Column("prompt_tokens", sa.BigInteger(), nullable=False),
        sa.Column("completion_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cost", sa.Float(), nullable=False),
        sa.Column("flood_waits", sa.BigInteger(), nullable=False),
        sa.Column("flood_seconds", sa.Float(), nullable=False),
        sa.Column("response_times", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("bot", "hour", name=op.f("pk_hourly_figures")),
    )
    op.create_index(op.f("ix_hourly_figures_hour"), "hourly_figures", ["hour"], unique=False)


def _create_days() -> None:
    op.create_table(
        "active_users",
        sa.Column("bot", sa.Text(), nullable=False),
        sa.Column("month", TIME, nullable=False),
        sa.Column("user_id", KEY, autoincrement=False, nullable=False),
        sa.Column("days", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_active_users_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("bot", "month", "user_id", name=op.f("pk_active_users")),
    )
    op.create_index(op.f("ix_active_users_user_id"), "active_users", ["user_id"], unique=False)
    op.create_table(
        "conversion_funnel",
        sa.Column("bot", sa.Text(), nullable=False),
        sa.Column("day", TIME, nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("entered", sa.BigInteger(), nullable=False),
        sa.Column("exited", sa.BigInteger(), nullable=False),
        sa.Column("won", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("bot", "day", "stage", name=op.f("pk_conversion_funnel")),
    )
    op.create_index(op.f("ix_conversion_funnel_day"), "conversion_funnel", ["day"], unique=False)


def downgrade() -> None:
    for table in (
        "reports",
        "rollups",
        "conversation_metrics",
        "conversion_funnel",
        "active_users",
        "hourly_figures",
    ):
        op.drop_table(table)
    op.drop_index(op.f("ix_conversations_created_at"), table_name="conversations")
