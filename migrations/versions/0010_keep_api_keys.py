"""Keep API keys, answers to repeated requests, and takeovers

Revision ID: 0010
Revises: 0009
"""

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
