"""Count messages of the past without commands and buttons, list jobs by time

Revision ID: 0018
Revises: 0017
"""

from alembic import op

revision: str = "0018"
down_revision: str | None = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The next roll-up begins with the first hour; until then figures are counted from the record.
    op.execute("DELETE FROM rollups WHERE name = 'hours'")
    op.create_index("ix_jobs_created_at_id", "jobs", ["created_at", "id"])


def downgrade() -> None:
    op.drop_index("ix_jobs_created_at_id", "jobs")
    op.execute("DELETE FROM rollups WHERE name = 'hours'")
