"""Keep broadcasts and who wants them

Revision ID: 0011
Revises: 0010
"""

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
