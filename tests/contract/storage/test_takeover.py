"""Takeovers, and conversations and jobs by the hundred, on both databases."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from beseda.core.clock import SystemClock
from beseda.core.errors import NotFoundError
from beseda.core.ids import new_id
from beseda.core.message import Message, Role
from beseda.db.database import Database
from beseda.engine.jobs.model import JobRequest, JobState
from beseda.engine.jobs.repository import JobRepository
from beseda.engine.turns.model import TurnState
from beseda.features.conversations.model import ConversationFilter
from beseda.features.conversations.queries import ConversationList
from beseda.features.jobs.model import JobFilter
from beseda.features.jobs.queries import JobList
from beseda.features.takeover.repository import TakeoverRepository
from tests.contract.storage.world import World


@pytest.fixture
def takeovers(database: Database) -> TakeoverRepository:
    return TakeoverRepository(database, SystemClock())


@pytest.fixture
def lines(database: Database) -> ConversationList:
    return ConversationList(database)


async def test_conversation_is_taken_over_and_given_back(takeovers: TakeoverRepository, world: World) -> None:
    conversation = await world.open_conversation()
    taken = await takeovers.take(conversation.id, "Maria")
    assert await takeovers.all() == {conversation.key: taken}
    assert await takeovers.take(conversation.id, "Maria") == taken
    other = await takeovers.take(conversation.id, "Boris")
    assert (other.operator, other.since >= taken.since) == ("Boris", True)
    assert [await takeovers.give_back(conversation.id) for _ in range(2)] == [True, False]
    assert await takeovers.all() == {}
    with pytest.raises(NotFoundError):
        await takeovers.take(99, "Maria")


async def test_many_take_over_concurrently(takeovers: TakeoverRepository, world: World) -> None:
    conversation = await world.open_conversation()
    await asyncio.gather(*(takeovers.take(conversation.id, name) for name in "abcdefgh"))
    assert len(await takeovers.all()) == 1


async def test_conversation_shows_the_time_of_its_last_message(lines: ConversationList, world: World) -> None:
    silent, busy = await world.open_conversation(1), await world.open_conversation(2)
    before = datetime.now(UTC)
    await world.talk(busy, "a", "b")
    found = {line.id: line for line in await lines.page(ConversationFilter(), limit=10)}
    assert found[silent.id].last_message_at is None
    said = found[busy.id].last_message_at
    assert said is not None
    assert before - timedelta(seconds=1) < said < datetime.now(UTC) + timedelta(seconds=1)
    wanted = ConversationFilter(updated_since=before - timedelta(seconds=1))
    assert [line.id for line in await lines.page(wanted, limit=10)] == [busy.id]
    assert await lines.count(ConversationFilter(updated_since=datetime(9999, 12, 31, tzinfo=UTC))) == 0


async def test_operators_words_bear_a_mark(lines: ConversationList, world: World) -> None:
    conversation = await world.open_conversation()
    turn = await world.receive(conversation, "Hello?")
    turn.state = TurnState.DELIVERED
    await world.turns.answer(turn, Message(Role.ASSISTANT, "Hi", "Maria"), None)
    said = await lines.messages(conversation.id, limit=10)
    assert [(message.content, message.operator) for message in said] == [("Hello?", ""), ("Hi", "Maria")]
    end = said[0]
    assert await lines.messages(conversation.id, limit=10, after=(end.turn_id, end.id)) == said[1:]
    assert await lines.count_messages(conversation.id) == 2
    assert [message.content for message in await world.conversations.recent(conversation, 5)] == ["Hello?", "Hi"]


async def test_jobs_are_listed_newest_first(database: Database, world: World) -> None:
    await world.open_conversation()
    store, found = JobRepository(database), JobList(database)
    numbers = [new_id() for _ in range(3)]
    for number in numbers:
        await store.add(JobRequest(number, "photo.enhance", {}, "assistant", 7, 7))
    await store.cancel(numbers[1])
    page = await found.page(JobFilter(bot="assistant"), limit=2)
    assert [(line.id, line.state) for line in page] == [(numbers[2], "queued"), (numbers[1], "cancelled")]
    place = page[1].created_at, page[1].id
    assert [line.id for line in await found.page(JobFilter(), limit=2, before=place)] == [numbers[0]]
    assert await found.count(JobFilter(state=JobState.QUEUED)) == 2
    assert await found.find(5) is None
