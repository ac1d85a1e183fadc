"""Whatever happens to leads, in two processes at once: the kept totals are what counting one by one finds."""

import asyncio
from collections.abc import AsyncIterator
from random import Random

import pytest
from sqlalchemy import func, select

from beseda.app_personal_data import PERSONAL_DATA
from beseda.core.errors import MergeRefusedError, NotFoundError, StaleVersionError
from beseda.db.database import Database
from beseda.engine.events.repository import EventRepository
from beseda.engine.files.model import FileOwner
from beseda.features.leads.model import LeadChange, LeadFilter, LeadPage, LeadStatus, Merge, NewLead
from beseda.features.leads.repository import LeadRepository
from beseda.features.leads.service import LeadService
from beseda.features.leads.tables import lead_totals, leads
from beseda.features.personal_data.repository import PersonalDataRepository
from beseda.testing.clock import ManualClock
from tests.contract.storage.world import BOT

PEOPLE = range(1, 9)
CONTACTS = ("", "+79991234567", "+79991234568", "a@b.ru", "+79991234567 a@b.ru")
STAGES = ("", "discovery", "summary")


class Desk:
    """Somebody at work on leads in a process of their own, at random."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.database = database
        self.leads = LeadService(LeadRepository(database, clock), EventRepository(database, clock), clock)
        self.data = PersonalDataRepository(database, PERSONAL_DATA, clock)

    async def work(self, random: Random) -> None:
        """Do one thing or another to somebody's lead."""
        opened = await self.leads.open(NewLead(BOT, random.choice(PEOPLE), contact=random.choice(CONTACTS)))
        lead, kind = opened.lead, random.randrange(12)
        try:
            if kind == 0:
                await self.leads.delete(lead.id, actor="key:1")
            elif kind == 1:
                await self.data.forget(FileOwner(BOT, random.choice(PEOPLE)))
            elif kind in {3, 4, 5}:
                other = await self.leads.open(NewLead(BOT, random.choice((None, *PEOPLE)), contact=CONTACTS[1]))
                await self.leads.merge(Merge(lead.id, other.lead.id, "key:1"))
            elif kind in {6, 7}:
                await self.leads.unmerge(random.choice(await self.find_traces() or [lead.id]), actor="key:1")
            else:
                status, stage = random.choice(list(LeadStatus)), random.choice(STAGES)
                change = LeadChange(contact=random.choice((None, *CONTACTS)), status=status, stage=stage)
                version = lead.version if kind == 2 else None
                await self.leads.change(lead.id, change, versions=None if version is None else {version}, actor="key:1")
        except (NotFoundError, MergeRefusedError, StaleVersionError):
            pass  # the other was quicker

    async def find_traces(self) -> list[int]:
        """Return the leads that are part of others."""
        query = select(leads.c.id).where(leads.c.merged_into.is_not(None)).order_by(leads.c.id)
        return list(await self.database.read(lambda connection: connection.execute(query).scalars().all()))


@pytest.fixture
async def desks(database: Database, database_url: str) -> AsyncIterator[list[Desk]]:
    other = await Database.open(database_url)
    clock = ManualClock()
    yield [Desk(database, clock), Desk(other, clock)]
    await other.close()


@pytest.mark.parametrize("seed", [0, 11, 16])
async def test_totals_equal_the_counted_rows(desks: list[Desk], seed: int) -> None:
    random = Random(seed)
    for _ in range(40):
        await desks[0].work(random)
    await check(desks[0])


async def test_totals_of_two_concurrent_writers_equal_the_counted_rows(desks: list[Desk]) -> None:
    for number in range(6):
        await asyncio.gather(*(desk.work(Random(place)) for place, desk in enumerate(desks * 2, start=4 * number)))
    await check(desks[0])


async def check(desk: Desk) -> None:
    """Compare what is kept with what there is."""
    key = (leads.c.bot, leads.c.status, leads.c.stage)
    counted = select(*key, func.count()).where(leads.c.merged_into.is_(None)).group_by(*key)
    kept = select(lead_totals).where(lead_totals.c.count != 0)
    read = desk.database.read
    one = await read(lambda connection: connection.execute(kept).all())
    two = await read(lambda connection: connection.execute(counted).all())
    assert sorted(map(tuple, one)) == sorted(map(tuple, two))
    listed = await desk.leads.list(LeadFilter(), LeadPage())
    assert listed.total == len(listed.items) == sum(row[3] for row in two)
    # A trace leads to one that lives, in one step, so that nobody's lead is lost.
    traces = select(leads.c.merged_into).where(leads.c.merged_into.is_not(None))
    found = await read(lambda connection: connection.execute(traces).scalars().all())
    assert set(found) <= {lead.id for lead in listed.items}


async def test_two_concurrent_merges_into_each_other_leave_one(desks: list[Desk]) -> None:
    numbers = [(await desk.leads.open(NewLead(BOT, user))).lead.id for user, desk in enumerate(desks, start=1)]
    one, two = numbers
    orders = [Merge(one, two, "key:1"), Merge(two, one, "key:2")]
    await asyncio.gather(*(desk.leads.merge(order) for desk, order in zip(desks, orders, strict=True)))
    listed = await desks[0].leads.list(LeadFilter(), LeadPage())
    assert (len(listed.items), listed.total) == (1, 1)
    await check(desks[0])


async def test_change_of_a_lead_merged_at_the_same_moment_is_made_or_refused_whole(desks: list[Desk]) -> None:
    one = (await desks[0].leads.open(NewLead(BOT, 1, contact="a@b.ru"))).lead
    two = (await desks[0].leads.open(NewLead(BOT, 2))).lead
    merging = desks[0].leads.merge(Merge(one.id, two.id, "key:1"))
    patching = desks[1].leads.change(two.id, LeadChange(owner="Ира"), versions={two.version}, actor="key:2")
    _, patched = await asyncio.gather(merging, patching, return_exceptions=True)
    left = await desks[0].leads.find(one.id)
    assert left.owner == ("" if isinstance(patched, StaleVersionError) else "Ира")
    assert (await desks[0].leads.find(two.id)).merged_into == one.id
