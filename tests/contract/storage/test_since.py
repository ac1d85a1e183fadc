"""Who reads on from the last change seen misses none, although changes are stored in another order than made."""

from datetime import UTC, datetime, timedelta

from beseda.db.database import Database
from beseda.db.since import look_back
from beseda.engine.turns.repository import TurnRepository
from beseda.features.conversations.model import ConversationFilter
from beseda.features.conversations.queries import ConversationList
from beseda.features.leads.model import LeadFilter, LeadPage, LeadSort, NewLead
from beseda.features.leads.repository import LeadRepository
from beseda.testing.clock import ManualClock
from tests.contract.storage.world import BOT, World

REGION = "RU"
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
LATER = NOW + timedelta(seconds=5)


async def test_lead_that_is_stored_after_a_later_one_is_in_the_next_page(database: Database) -> None:
    slow, quick = (LeadRepository(database, ManualClock(moment)) for moment in (NOW, LATER))
    await quick.open(NewLead(BOT, 1), region=REGION)
    page = LeadPage(limit=100, sort=LeadSort.CHANGED_FIRST)
    seen = await quick.list(LeadFilter(), page)
    since = max(lead.updated_at for lead in seen.items)
    opened = await slow.open(NewLead(BOT, 2), region=REGION)
    found = await quick.list(LeadFilter(updated_from=since), page)
    assert opened.lead.id in {lead.id for lead in found.items}
    text = await quick.write(LeadFilter(updated_from=since), page)
    assert text.total == 2


async def test_a_span_of_leads_with_an_end_is_exact(database: Database) -> None:
    store = LeadRepository(database, ManualClock(NOW))
    await store.open(NewLead(BOT, 1), region=REGION)
    span = LeadFilter(updated_from=NOW + timedelta(seconds=1), updated_to=NOW + timedelta(hours=1))
    assert (await store.list(span, LeadPage(limit=100))).items == ()


async def test_conversation_that_is_answered_late_has_changed_since(world: World) -> None:
    conversations = ConversationList(world.database)
    early = await world.open_conversation(7)
    turn = await world.receive(early, "A long question")
    soon = datetime.now(UTC) + timedelta(minutes=10)
    wanted = ConversationFilter(updated_since=soon)
    assert await conversations.page(wanted, limit=10) == []
    clock = ManualClock(soon + timedelta(minutes=1))
    turn.state = turn.state.ANSWERED
    await TurnRepository(world.database, clock).answer(turn, None, None)
    assert [line.id for line in await conversations.page(wanted, limit=10)] == [early.id]
    assert await conversations.count(wanted) == 1


def test_nothing_is_before_the_first_moment() -> None:
    first = datetime.min.replace(tzinfo=UTC)
    assert look_back(first + timedelta(seconds=5)) == first
    assert look_back(NOW) == NOW - timedelta(minutes=1)
