"""Index sends under way

Revision ID: 0022
Revises: 0021
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0022"
down_revision: str | None = "0021"
branch_labels = None
depends_on = None

_UNDER_WAY = sa.text("state = 'sending' AND message_id IS NULL")


def upgrade() -> None:
    op.create_index(
        "ix_deliveries_under_way",
        "deliveries",
        ["bot", "message_box", "begun_at"],
        sqlite_where=_UNDER_WAY,
        postgresql_where=_UNDER_WAY,
    )


def downgrade() -> None:
    op.drop_index("ix_deliveries_under_way", table_name="deliveries")
