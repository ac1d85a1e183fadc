"""Keep evidence against updates

Revision ID: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0019"
down_revision: str | None = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("updates", sa.Column("evidence", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("updates", "evidence")
