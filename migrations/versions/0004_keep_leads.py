"""Keep leads, and events with their deliveries

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")

# Searching for a piece of a word reads every lead but for this index. pg_trgm is a trusted extension, so that the owner
# of the database may add it; where it is not installed on the server, or not allowed, the search works without.
TRIGRAMS = """
DO $$
BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX ix_leads_search_trgm ON leads USING gin (search gin_trgm_ops) WHERE merged_into IS NULL;
EXCEPTION WHEN OTHERS THEN
    RAISE NOTICE 'pg_trgm cannot be had: leads are searched without an index';
END
$$
"""


def upgrade() -> None:
    _create_leads()
    _create_parts_of_leads()
    _create_events()
    if op.get_bind().dialect.name == "postgresql":
        op.execute(TRIGRAMS)


def downgrade() -> None:
    # The extension stays: somebody else may use it.
    for name in (
        "event_deliveries",
        "webhook_endpoints",
        "events",
        "lead_totals",
        "lead_consents",
        "lead_stages",
        "lead_slots",
        "leads",
    ):
        op.drop_table(name)


def _create_leads() -> None:
    op.create_table(
        "leads",
        sa.Column("id", KEY, nullable=False),
        sa.Column("bot", sa.Text(), nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("fit_score", sa.Integer(), nullable=False),
        sa.Column("search", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("merged_into", KEY, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_leads_user_id_users")),
        sa.ForeignKeyConstraint(["merged_into"], ["leads.id"], name=op.f("fk_leads_merged_into_leads")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leads")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_leads_merged_into"), "leads", ["merged_into"], unique=False)
    op.create_index(op.f("ix_leads_user_id"), "leads", ["user_id"], unique=False)
    _create_live_index("bot", "user_id", unique=True)
    _create_live_index("bot", "phone", condition=" AND phone <> ''", unique=True)
    _create_live_index("bot", "email_key", condition=" AND email_key <> ''", unique=True)
    for time in ("created_at", "updated_at"):
        _create_live_index(time, "id")
        for name in ("bot", "status", "stage", "owner"):
            _create_live_index(name, time, "id")


def _create_live_index(*names: str, condition: str = "", unique: bool = False) -> None:
    where = sa.text(f"merged_into IS NULL{condition}")
    op.create_index(
        f"{'uq' if unique else 'ix'}_leads_{'_'.join(names)}",
        "leads",
        list(names),
        unique=unique,
        sqlite_where=where,
        postgresql_where=where,
    )


def _create_parts_of_leads() -> None:
    op.create_table(
        "lead_slots",
        sa.Column("lead_id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("message_id", KEY, nullable=True),
        sa.Column("user_id", KEY, nullable=True),
        sa.Column("quote", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("extracted_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["lead_id"], ["leads.id"], name=op.f("fk_lead_slots_lead_id_leads"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_lead_slots_message_id_messages"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_lead_slots_user_id_users")),
        sa.PrimaryKeyConstraint("lead_id", "name", name=op.f("pk_lead_slots")),
    )
    op.create_index(op.f("ix_lead_slots_message_id"), "lead_slots", ["message_id"], unique=False)
    op.create_table(
        "lead_stages",
        sa.Column("id", KEY, nullable=False),
        sa.Column("lead_id", KEY, nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("entered_at", TIME, nullable=False),
        sa.Column("exited_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["lead_id"], ["leads.id"], name=op.f("fk_lead_stages_lead_id_leads"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_stages")),
    )
    op.create_index(op.f("ix_lead_stages_lead_id"), "lead_stages", ["lead_id"], unique=False)
    op.create_table(
        "lead_consents",
        sa.Column("id", KEY, nullable=False),
        sa.Column("lead_id", KEY, nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("given_at", TIME, nullable=True),
        sa.Column("revoked_at", TIME, nullable=True),
        sa.Column("message_id", KEY, nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["lead_id"], ["leads.id"], name=op.f("fk_lead_consents_lead_id_leads"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_lead_consents_message_id_messages"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_lead_consents_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_consents")),
    )
    op.create_index(op.f("ix_lead_consents_lead_id"), "lead_consents", ["lead_id"], unique=False)
    op.create_index(op.f("ix_lead_consents_message_id"), "lead_consents", ["message_id"], unique=False)
    op.create_table(
        "lead_totals",
        sa.Column("bot", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("bot", "status", "stage", name=op.f("pk_lead_totals")),
    )


def _create_events() -> None:
    op.create_table(
        "events",
        sa.Column("id", KEY, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("bot", sa.Text(), nullable=False),
        sa.Column("lead_id", sa.BigInteger(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("occurred_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sqlite_autoincrement=True,
    )
    for name in ("lead_id", "user_id", "type", "bot"):
        op.create_index(op.f(f"ix_events_{name}_id"), "events", [name, "id"], unique=False)
    op.create_index(op.f("ix_events_occurred_at"), "events", ["occurred_at"], unique=False)
    op.create_table(
        "webhook_endpoints",
        sa.Column("id", KEY, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("bot", sa.Text(), nullable=False),
        sa.Column("types", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoints")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "event_deliveries",
        sa.Column("id", KEY, nullable=False),
        sa.Column("event_id", KEY, nullable=False),
        sa.Column("endpoint_id", KEY, nullable=False),
        sa.Column("lead_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("lease_until", TIME, nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_event_deliveries_event_id_events"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["webhook_endpoints.id"],
            name=op.f("fk_event_deliveries_endpoint_id_webhook_endpoints"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_deliveries")),
        sa.UniqueConstraint("event_id", "endpoint_id", name=op.f("uq_event_deliveries_event_id_endpoint_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_event_deliveries_endpoint_id_id"), "event_deliveries", ["endpoint_id", "id"], unique=False)
    _create_waiting_index("ix_event_deliveries_due", "due_at", "id")
    _create_waiting_index("ix_event_deliveries_lead", "endpoint_id", "lead_id", "id")


def _create_waiting_index(name: str, *columns: str) -> None:
    where = sa.text("state = 'pending'")
    op.create_index(name, "event_deliveries", list(columns), unique=False, sqlite_where=where, postgresql_where=where)
