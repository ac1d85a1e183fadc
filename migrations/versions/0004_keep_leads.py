"""Keep leads, and events with their deliveries

Revision ID: 0004
Revises: 0003
"""

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
