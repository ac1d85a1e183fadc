"""Keep fingerprints of secrets

Revision ID: 0020
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op

from beseda.db.types import UtcTime

revision: str = "0020"
down_revision: str | None = "0019"
branch_labels = None
depends_on = None

TEXTS = ("fingerprint", "old_salt", "old_fingerprint")


def upgrade() -> None:
    for name in TEXTS:
        op.add_column("webhook_endpoints", sa.Column(name, sa.Text(), nullable=False, server_default=sa.text("''")))
    op.add_column("webhook_endpoints", sa.Column("old_key_until", UtcTime()))


def downgrade() -> None:
    for name in (*TEXTS, "old_key_until"):
        op.drop_column("webhook_endpoints", name)
