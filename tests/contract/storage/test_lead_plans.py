"""How the databases go about lists of leads: along an index, in its order, whichever one field is asked for."""

from datetime import timedelta

from sqlalchemy import Connection, insert, text

from beseda.core.clock import SystemClock
from beseda.db.database import Database
from beseda.engine.conversations.tables import users
from beseda.features.leads.model import LeadFilter, LeadPage, LeadSort, LeadStatus
from beseda.features.leads.queries import select_page
from beseda.features.leads.tables import leads
from tests.parts.query_plan import explain

NOW = SystemClock().now()
MANY = 20_000  # so many that PostgreSQL would rather walk an index than sort
FILTERS = (
    LeadFilter(),
    LeadFilter(bot="sales"),
    LeadFilter(status=LeadStatus.WON),
    LeadFilter(stage="discovery"),
    LeadFilter(owner="Irina"),
    LeadFilter(bot="sales", status=LeadStatus.WON, stage="discovery"),
    LeadFilter(created_from=NOW - timedelta(minutes=MANY - 9), updated_to=NOW),
)


def fill(connection: Connection) -> None:
    who = {"name": "", "username": "", "language": "", "created_at": NOW, "last_seen_at": NOW}
    connection.execute(insert(users), [{"id": number, **who} for number in range(1, MANY + 1)])
    blank = dict.fromkeys(("name", "contact", "phone", "email", "email_key", "source", "notes", "search"), "")
    connection.execute(insert(leads), [{**blank, **describe(number)} for number in range(1, MANY + 1)])
    connection.execute(text("ANALYZE"))


def describe(number: int) -> dict[str, object]:
    return {
        "bot": ("sales", "support")[number % 2],
        "user_id": number,
        "status": ("active", "won", "lost")[number % 3],
        "stage": ("discovery", "summary")[number // 2 % 2],
        "owner": ("", "Irina", "Oleg")[number // 3 % 3],
        "fit_score": 0,
        "version": 1,
        "created_at": NOW - timedelta(minutes=number),
        "updated_at": NOW - timedelta(minutes=number * 7 % MANY),
    }


async def test_lists_are_read_by_index_alone(database: Database) -> None:
    await database.write(fill)
    place = (NOW - timedelta(minutes=MANY // 2), 500)
    for wanted in FILTERS:
        for sort in LeadSort:
            for page in (LeadPage(sort=sort), LeadPage(sort=sort, after=place)):
                plan = await explain(database, *select_page(wanted, page))
                assert "ix_leads_" in plan, (wanted, page, plan)
                for word in ("Sort", "Seq Scan", "TEMP B-TREE"):
                    assert word not in plan, (wanted, page, plan)
