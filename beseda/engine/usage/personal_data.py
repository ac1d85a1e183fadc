"""A person's use of budgets: exported and erased."""

from collections.abc import Mapping
from datetime import timedelta

import orjson
from sqlalchemy import ColumnElement, Connection, and_, delete, select

from beseda.engine.files.model import FileOwner
from beseda.engine.personal_data import Erasure, PersonalDataSource, Rows, read_rows
from beseda.engine.usage.budget import BudgetScope
from beseda.engine.usage.tables import OPEN, budget_counters, budget_notices, budget_reservations

_FULL_DAY = timedelta(hours=12)  # by then a day of UTC is over in every time zone


class BudgetData(PersonalDataSource):
    """Personal data in budgets."""

    def export(self, connection: Connection, person: FileOwner) -> Mapping[str, Rows]:
        """Return the usage by day and unit."""
        columns = budget_counters.c.day, budget_counters.c.unit
        query = select(*columns, budget_counters.c.used).where(_own_counters(person)).order_by(*columns)
        return {"budgets": read_rows(connection, query)}

    def forget(self, connection: Connection, erasure: Erasure) -> Mapping[str, int]:
        """Delete notices, closed reservations, and the usage of all days but today."""
        person, today = erasure.person, (erasure.at - _FULL_DAY).date()
        connection.execute(
            delete(budget_counters).where(_own_counters(person), budget_counters.c.day < today.isoformat())
        )
        account = orjson.dumps([BudgetScope.USER.value, person.bot, person.user_id]).decode().removesuffix("]")
        held = budget_reservations.c.accounts.contains(f"{account},", autoescape=True)
        connection.execute(delete(budget_reservations).where(held, budget_reservations.c.state != OPEN))
        who = budget_notices.c.who
        of_bot = who.startswith(f"{person.bot}:", autoescape=True)
        own = who.contains(f":{person.user_id}:", autoescape=True)
        connection.execute(delete(budget_notices).where(of_bot, own))
        return {}


def _own_counters(person: FileOwner) -> ColumnElement[bool]:
    return and_(
        budget_counters.c.scope == BudgetScope.USER.value,
        budget_counters.c.bot == person.bot,
        budget_counters.c.subject == person.user_id,
    )
