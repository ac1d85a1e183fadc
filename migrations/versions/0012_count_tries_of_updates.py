"""Count tries of updates

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("updates", sa.Column("queue_key", sa.Text()))
    op.add_column("updates", sa.Column("tries", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("updates", sa.Column("failures", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("updates", "failures")
    op.drop_column("updates", "tries")
    op.drop_column("updates", "queue_key")
