import asyncio
from collections.abc import Iterator

import pytest

from beseda.domain.conversation import ChatKey, ChatKind, Person
from beseda.domain.job import JobState
from beseda.errors import StorageError
from beseda.storage.sql import migrate
from beseda.storage.sql.conversation import SqlConversationRepository
from beseda.storage.sql.database import Database
from tests.contract.storage.test_inline_jobs import PERSON, open_shop
from tests.parts.postgres import PostgresServer
from tests.parts.waiting import eventually


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    server = PostgresServer()
    yield server
    server.close()


async def test_what_was_done_while_the_database_was_away_is_not_done_again(own_postgres: PostgresServer) -> None:
    url = own_postgres.create_database()
    await migrate.upgrade(url)
    database = await Database.open(url, patience=0.1)
    key = ChatKey("media", PERSON)
    await SqlConversationRepository(database).open(key, ChatKind.PRIVATE, "", Person(PERSON, "Аня"))
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
