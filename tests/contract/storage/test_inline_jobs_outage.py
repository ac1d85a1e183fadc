import asyncio
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from beseda.core.chat import ChatKey, ChatKind, Person
from beseda.core.errors import StorageError
from beseda.db import migrate
from beseda.db.database import Database
from beseda.engine.conversations.repository import ConversationRepository
from beseda.engine.jobs.model import JobState
from tests.contract.storage.test_inline_jobs import PERSON, QUICK, open_shop
from tests.parts.postgres import PostgresServer
from tests.parts.waiting import eventually


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    server = PostgresServer()
    yield server
    server.close()


async def test_work_done_while_the_database_was_away_is_not_repeated(own_postgres: PostgresServer) -> None:
    url = own_postgres.create_database()
    await migrate.upgrade(url)
    database = await Database.open(url, patience=0.1)
    key = ChatKey("media", PERSON)
    await ConversationRepository(database).open(key, ChatKind.PRIVATE, "", Person(PERSON, "Аня"))
    async with open_shop(database) as shop:
        gate = asyncio.Event()
        number = await shop.enqueue(gate)
        await shop.has_begun(number)
        await asyncio.to_thread(own_postgres.stop)
        gate.set()

        async def is_done() -> bool:
            try:
                job = await shop.queue.find(number)
            except StorageError:
                return False
            return job is not None and job.state is JobState.DONE

        async def has_stopped_working() -> bool:
            return not shop.running

        await eventually(has_stopped_working)
        await asyncio.to_thread(own_postgres.start)
        await eventually(is_done, within=20)
        assert shop.begun == [number]
    await database.close()


async def test_jobs_of_others_are_not_taken_over_after_an_outage_of_the_database(own_postgres: PostgresServer) -> None:
    url = own_postgres.create_database()
    await migrate.upgrade(url)
    async with AsyncExitStack() as stack:
        databases = [await Database.open(url, patience=0.1) for _ in range(2)]
        for database in databases:
            stack.push_async_callback(database.close)
        key = ChatKey("media", PERSON)
        await ConversationRepository(databases[0]).open(key, ChatKind.PRIVATE, "", Person(PERSON, "Аня"))
        slow = await stack.enter_async_context(open_shop(databases[0], replace(QUICK, lease=4, beat=3)))
        gate = asyncio.Event()
        number = await slow.enqueue(gate)
        await slow.has_begun(number)
        quick = await stack.enter_async_context(open_shop(databases[1], replace(QUICK, lease=4)))
        quick.orders[number] = []
        await asyncio.to_thread(own_postgres.stop)
        since = time.monotonic()

        async def has_run_out() -> bool:
            return time.monotonic() - since > 4.2

        await eventually(has_run_out)
        await asyncio.to_thread(own_postgres.start)
        since = time.monotonic()
        await eventually(has_run_out)
        gate.set()
        assert (await quick.end_of(number)).losses == 0
        assert (slow.begun, quick.begun) == ([number], [])
