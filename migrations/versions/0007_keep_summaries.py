"""Keep summaries of conversations; jobs that nobody asked for

Revision ID: 0007
Revises: 0006
"""

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
