"""Budgets: daily counters, reservations, and notices of used-up budgets."""

from sqlalchemy import BigInteger, Column, Index, PrimaryKeyConstraint, Table, Text, text

from beseda.db.schema import metadata
from beseda.db.types import UtcTime

# `subject` is a person, a group, or 0: no foreign key could name all three. `day` is an ISO date.
budget_counters = Table(
    "budget_counters",
    metadata,
    Column("scope", Text, nullable=False),
    Column("bot", Text, nullable=False),
    Column("subject", BigInteger, nullable=False),
    Column("unit", Text, nullable=False),
    Column("day", Text, nullable=False, index=True),
    Column("used", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),
    PrimaryKeyConstraint("scope", "bot", "subject", "unit", "day"),
)

# `accounts` is JSON: the keys of the counters that hold the amount.
budget_reservations = Table(
    "budget_reservations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("accounts", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("used", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False, index=True),
    Column("expires_at", UtcTime, nullable=False),
)

OPEN = "open"  # the state of a reservation whose amount is still held
_IS_OPEN = text(f"state = '{OPEN}'")

Index(
    "ix_budget_reservations_open",
    budget_reservations.c.expires_at,
    sqlite_where=_IS_OPEN,
    postgresql_where=_IS_OPEN,
)

budget_notices = Table(
    "budget_notices",
    metadata,
    Column("who", Text, primary_key=True),
    Column("key", Text, nullable=False),
    Column("noted_at", UtcTime, nullable=False, index=True),
)
