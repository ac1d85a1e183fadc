"""A new column of a lead is two edits, in the table and in the dataclass, and a migration."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import beseda

# The program of somebody who has added a column: all that it calls is the code as it stands.
PROGRAM = """
import asyncio, json, sys
from dataclasses import replace
from sqlalchemy import text
from beseda.db import migrate
from beseda.db.database import Database
from beseda.engine.files.model import FileOwner
from beseda.features.leads._forms import FIELDS
from beseda.features.leads.model import LeadFilter, LeadPage, Merge, NewLead
from beseda.features.leads.personal_data import find_records
from beseda.features.leads.repository import LeadRepository
from beseda.features.leads.update import LeadUpdate, tell_difference

async def main(url):
    await migrate.upgrade(url)
    database = await Database.open(url)
    leads = LeadRepository(database)
    migration = text("ALTER TABLE leads ADD COLUMN district TEXT NOT NULL DEFAULT ''")
    await database.write(lambda connection: connection.execute(migration))
    lead = (await leads.open(NewLead("sales", 7, name="Anna"), region="RU")).lead
    new = lead.district

    def move(lead, _):
        moved = replace(lead, district="Lavapies")
        return LeadUpdate(moved, tell_difference(lead, moved, "key:1"))

    await leads.update(lead.id, move)
    [listed] = (await leads.list(LeadFilter(), LeadPage())).items
    shown = await leads.write(LeadFilter(), LeadPage(shown=FIELDS))
    whole = await leads.write(LeadFilter(), LeadPage())
    entered = (await leads.open(NewLead("sales", None, contact="a@example.org"), region="RU")).lead
    merged = await leads.merge(Merge(lead.id, entered.id, "key:1"))
    [record] = await database.read(lambda connection: find_records(connection, FileOwner("sales", 7)))
    changes = [event["data"]["changed"] for event in record.events if event["type"] == "lead.changed"]
    await database.close()
    return {
        "new": new,
        "read": (await reopen(url, lead.id)).district,
        "listed": listed.district,
        "shown in the API": [row.get("district") for row in json.loads(shown.array)],
        "as JSON": [row["district"] for row in json.loads(whole.array)],
        "merged": merged.district,
        "exported": record.lead.district,
        "told": [change["district"] for change in changes if "district" in change],
    }

async def reopen(url, number):
    database = await Database.open(url)
    lead = await LeadRepository(database).find(number)
    await database.close()
    return lead

print(json.dumps(asyncio.run(main(sys.argv[1]))))
"""


def edit(path: Path, before: str, line: str) -> None:
    text = path.read_text()
    assert text.count(before) == 1
    path.write_text(text.replace(before, f"{line}{before}"))


def test_a_new_column_of_a_lead_is_two_edits_and_a_migration(tmp_path: Path) -> None:
    package = Path(beseda.__file__).parent
    copy = tmp_path / "beseda"
    shutil.copytree(package, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "migrations").symlink_to(package.parent / "migrations")
    leads = copy / "features" / "leads"
    edit(
        leads / "tables.py", "    # One live lead for a person", '    Column("district", CleanText, nullable=False),\n'
    )
    edit(leads / "model.py", '\n\nDEFAULT_SOURCE = "', '    district: str = ""\n')
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, str(program), f"sqlite:///{tmp_path}/leads.db"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found == {
        "new": "",
        "read": "Lavapies",
        "listed": "Lavapies",
        "shown in the API": [None],  # it is not in the form
        "as JSON": ["Lavapies"],
        "merged": "Lavapies",
        "exported": "Lavapies",
        "told": [{"old": "", "new": "Lavapies"}],
    }
