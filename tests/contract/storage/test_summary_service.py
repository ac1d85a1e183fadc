"""What the services of several processes do with summaries, over one record."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import func, select

from beseda.core.chat import ChatKey, ChatKind
from beseda.engine.bot import BotProfile
from beseda.engine.conversations.summary import KIND, SummaryService
from beseda.engine.conversations.summary_repository import SummaryRepository
from beseda.engine.jobs.inline import InlineJobs
from beseda.engine.jobs.repository import JobRepository
from beseda.engine.jobs.tables import jobs
from beseda.ephemeral.memory.bus import MemoryBus
from beseda.locales import Text
from beseda.testing.clock import ManualClock
from tests.contract.storage.test_summary import ANYA, Talk
from tests.contract.storage.world import World
from tests.parts.waiting import eventually

BOT = BotProfile(
    "assistant", Text(ru="А", en="A"), Text(ru="", en=""), Text(ru="", en=""), "Be kind.", window=4, summary_after=6
)


class CountingStore(SummaryRepository):
    """Counts how often somebody looks for what is to be summed up."""

    looks = 0

    async def count(self, conversation_id: int, window: int) -> int:
        self.looks += 1
        return await super().count(conversation_id, window)


class House:
    """A conversation, and what two processes know of its summary."""

    def __init__(self, world: World, talk: Talk) -> None:
        self.talk = talk
        self.clock = ManualClock()
        self.store = CountingStore(world.database)
        self.jobs = InlineJobs(JobRepository(world.database, self.clock), {}, {"text": 1}, self.clock)
        bus = MemoryBus()
        self.here, self.there = (SummaryService(self.store, self.jobs, self.clock, bus) for _ in range(2))

    async def recall(self, service: SummaryService) -> str:
        return await service.recall(self.talk.conversation, BOT)


@pytest.fixture
async def house(world: World) -> AsyncIterator[House]:
    key = ChatKey("assistant", ANYA.id)
    talk = Talk(world, await world.conversations.open(key, ChatKind.PRIVATE, "", ANYA))
    house = House(world, talk)
    house.here.start()
    house.there.start()
    await asyncio.sleep(0)  # both listen now
    yield house
    await house.here.close()
    await house.there.close()


async def test_other_processes_are_notified_that_a_summary_is_gone(house: House) -> None:
    for number in range(5):
        await house.talk.exchange(str(number))
    assert await house.talk.sum_up("a cat called Barsik")
    assert [await house.recall(house.here), await house.recall(house.there)] == ["a cat called Barsik"] * 2
    await house.talk.world.conversations.clear(house.talk.conversation)
    await house.here.drop(house.talk.id)

    async def is_gone() -> bool:
        return await house.recall(house.there) == ""

    await eventually(is_gone)


async def test_any_number_of_messages_a_minute_brings_one_check_once_a_summary_is_due(house: House) -> None:
    for number in range(10):
        await house.talk.exchange(str(number))
    await house.recall(house.here)

    await eventually(lambda: has_asked(house))
    for _ in range(100):
        await house.recall(house.here)
    assert house.store.looks == 1
    house.clock.shift(61)
    await house.recall(house.here)

    async def has_looked_again() -> bool:
        return house.store.looks == 2

    await eventually(has_looked_again)


async def has_asked(house: House) -> bool:
    query = select(func.count()).where(jobs.c.kind == KIND)
    return await house.talk.world.database.read(lambda connection: connection.execute(query).scalar_one()) == 1
