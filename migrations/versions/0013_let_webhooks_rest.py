"""Let webhooks rest

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels = None
depends_on = None

TIME = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    op.add_column("webhook_endpoints", sa.Column("resting_until", TIME))
    op.add_column("webhook_endpoints", sa.Column("silences", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("webhook_endpoints", "silences")
    op.drop_column("webhook_endpoints", "resting_until")
