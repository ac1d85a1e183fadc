"""Let several leads have one phone, and leads have no person

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0017"
down_revision: str | None = "0016"
branch_labels = None
depends_on = None

_LIVE = "merged_into IS NULL"
_CONDITIONS = {"phone": f"{_LIVE} AND phone <> ''", "email_key": f"{_LIVE} AND email_key <> ''"}


def upgrade() -> None:
    for name in _CONDITIONS:
        op.drop_index(f"uq_leads_bot_{name}", "leads")
    _change_leads(nullable=True)
    for name, condition in _CONDITIONS.items():
        where = sa.text(condition)
        op.create_index(f"ix_leads_bot_{name}", "leads", ["bot", name], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    # What the older version cannot hold: leads without a person, and the second lead with a phone or a mail address.
    op.execute("DELETE FROM leads WHERE user_id IS NULL")
    for name, condition in _CONDITIONS.items():
        op.drop_index(f"ix_leads_bot_{name}", "leads")
        leads = sa.table("leads", *(sa.column(column) for column in ("id", "bot", "phone", "email", "email_key")))
        older = sa.select(sa.func.min(leads.c.id)).where(sa.text(condition)).group_by(leads.c.bot, leads.c[name])
        younger = sa.and_(sa.text(condition), leads.c.id.not_in(older))
        op.execute(sa.update(leads).where(younger).values(phone="", email="", email_key=""))
    _change_leads(nullable=False)
    for name, condition in _CONDITIONS.items():
        where = sa.text(condition)
        op.create_index(
            f"uq_leads_bot_{name}", "leads", ["bot", name], unique=True, sqlite_where=where, postgresql_where=where
        )


def _change_leads(*, nullable: bool) -> None:
    """Make the person optional or not, and add or drop the source of the phone."""
    with op.batch_alter_table("leads", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.alter_column("user_id", nullable=nullable, existing_type=sa.BigInteger())
        if nullable:
            batch.add_column(sa.Column("phone_evidence", sa.Text(), nullable=False, server_default=sa.text("''")))
        else:
            batch.drop_column("phone_evidence")
