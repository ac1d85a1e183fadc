"""Find turns of messages

Revision ID: 0021
Revises: 0020
"""

from alembic import op

revision: str = "0021"
down_revision: str | None = "0020"
branch_labels = None
depends_on = None

NAME = "ix_turns_conversation_id_reply_to"


def upgrade() -> None:
    op.create_index(NAME, "turns", ["conversation_id", "reply_to"])


def downgrade() -> None:
    op.drop_index(NAME, "turns")
