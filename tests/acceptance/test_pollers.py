"""A poller that follows docs/how-to/api.md, beside twenty writers and two API processes on one PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import aiohttp
import pytest

from beseda.core.chat import ChatKey, ChatKind, Person
from beseda.core.ids import new_id
from beseda.core.message import Message, Role
from beseda.db.database import Database
from beseda.engine.conversations.repository import ConversationRepository
from beseda.engine.turns.model import Turn, TurnKind, TurnState
from beseda.engine.turns.repository import TurnRepository
from tests.acceptance.program import Program
from tests.acceptance.test_api import bearing, make_key
from tests.parts.postgres import PostgresServer

pytestmark = pytest.mark.slow
WRITERS = 20
CREATED, CHANGED, SAID = 40, 30, 30  # leads, leads once more, questions in a chat: of each writer
EARLY = "2020-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    server = PostgresServer()
    yield server
    server.close()


@dataclass
class Poller:
    """Follows the changes of leads, events and conversations, by turns at each process."""

    processes: Iterator[aiohttp.ClientSession]
    leads: dict[int, int] = field(default_factory=dict)  # versions by id
    events: set[int] = field(default_factory=set)
    messages: set[str] = field(default_factory=set)
    since: dict[str, str] = field(default_factory=dict)  # the latest change seen, by list

    async def poll(self) -> None:
        """Read each list from the latest change seen to its end."""
        async for lead in self.follow("/api/v1/leads?sort=updated_at&updated_from=", "updated_at"):
            self.leads[lead["id"]] = lead["version"]
        async for event in self.follow("/api/v1/events?since=", "occurred_at"):
            self.events.add(event["id"])
        async for conversation in self.follow("/api/v1/conversations?updated_since=", "last_message_at"):
            async for message in self.read_pages(f"/api/v1/conversations/{conversation['id']}/messages?"):
                self.messages.add(message["content"])

    async def follow(self, path: str, time: str) -> AsyncIterator[dict[str, Any]]:
        """Yield the items of a list from the latest change seen, and note the latest of them."""
        since = latest = self.since.get(path, EARLY)
        async for item in self.read_pages(path + since):
            latest = max(latest, item[time] or latest)
            yield item
        self.since[path] = latest

    async def read_pages(self, path: str) -> AsyncIterator[dict[str, Any]]:
        """Yield the items of all pages of a list."""
        cursor = ""
        while True:
            async with next(self.processes).get(f"{path}&limit=500{cursor}") as answer:
                assert answer.status == 200, await answer.text()
                page = await answer.json()
            for item in page["items"]:
                yield item
            if page["next_cursor"] is None:
                return
            cursor = f"&cursor={page['next_cursor']}"


@dataclass
class Writer:
    """Changes leads through one process or the other, and writes in a chat as a process with bots does."""

    number: int
    processes: Iterator[aiohttp.ClientSession]
    database: Database

    async def write(self) -> None:
        """Make a hundred changes."""
        for step in range(CREATED):
            lead = await self.ask("POST", "/api/v1/leads", user_id=self.number * 1000 + step + 1, name="Anna")
            if step < CHANGED:
                await self.ask("PATCH", f"/api/v1/leads/{lead['id']}", owner="Irina")
            if step < SAID:
                await self.say(f"{self.number}: {step}")

    async def ask(self, method: str, path: str, **body: object) -> Any:
        """Return the answer to a request that must succeed."""
        async with next(self.processes).request(method, path, json=body) as answer:
            assert answer.status in {200, 201}, await answer.text()
            return await answer.json()

    async def say(self, text: str) -> None:
        """Store a question in this writer's chat."""
        key, person = ChatKey("sales", self.number + 1), Person(self.number + 1, "Anna")
        conversations = ConversationRepository(self.database)
        conversation = await conversations.open(key, ChatKind.PRIVATE, "", person)
        turn = Turn(new_id(), conversation, person.id, TurnKind.CHAT, input=text)
        turns = TurnRepository(self.database)
        await turns.open(turn, Message(Role.USER, text))
        turn.state = TurnState.DELIVERED
        await turns.answer(turn, None, None)


async def test_a_poller_beside_two_processes_and_twenty_writers_misses_no_change(
    beseda: Program, server: PostgresServer
) -> None:
    url = server.create_database()
    program = beseda.with_environ(DATABASE_URL=url, BESEDA_API_RATE="0")
    key = await make_key(program)
    async with (
        program.serve("api") as one,
        program.serve("api") as other,
        bearing(key, one.url) as first,
        bearing(key, other.url) as second,
    ):
        processes, databases = [first, second], [await Database.open(url), await Database.open(url)]
        poller = Poller(cycle(processes))
        writers = [
            Writer(number, cycle(processes[:: (-1) ** number]), databases[number % 2]) for number in range(WRITERS)
        ]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(writer.write()) for writer in writers]
            polls = 0
            while not all(task.done() for task in tasks):
                await poller.poll()
                polls += 1
        await poller.poll()
        await asyncio.gather(*(database.close() for database in databases))
        missed = await count_missed(poller, first)
    changes = WRITERS * (CREATED + CHANGED + SAID)
    print(f"missed {sum(missed.values())} of {changes} changes in {polls} polls: {missed}")
    assert missed == {"leads": 0, "events": 0, "messages": 0}
    assert polls > 3


async def count_missed(poller: Poller, process: aiohttp.ClientSession) -> dict[str, int]:
    """Count the changes in a whole reading of each list, made afterwards, that the poller has not seen."""
    whole = Poller(cycle([process]))
    await whole.poll()
    assert len(whole.leads) == WRITERS * CREATED
    assert sum(version > 1 for version in whole.leads.values()) == WRITERS * CHANGED
    assert len(whole.messages) == WRITERS * SAID
    assert len(whole.events) >= WRITERS * (CREATED + CHANGED)
    return {
        "leads": len(whole.leads.items() - poller.leads.items()),
        "events": len(whole.events - poller.events),
        "messages": len(whole.messages - poller.messages),
    }
