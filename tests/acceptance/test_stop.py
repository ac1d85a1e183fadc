"""The end of `beseda run` while a link to the outside is half open: connections stay up and no byte comes."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from beseda.db.database import Database
from botapi_sandbox import DEFAULT_USERS, BotAccount, SandboxSettings, SandboxUser, serve_sandbox
from tests.acceptance.program import Program, Service
from tests.parts.halting_proxy import HaltingProxy, halting_proxy
from tests.parts.model_server import SERVED_MODEL, ModelServer, Reply
from tests.parts.postgres import PostgresServer
from tests.parts.waiting import eventually

pytestmark = pytest.mark.slow  # each takes the whole grace

ANNA = DEFAULT_USERS[0].id
TOKEN = "7100000009:token-for-tests-token-for-tests"
ENDLESS = Reply(text=[f"word{number} " for number in range(2000)], chunk_delay=0.05)
WHOLE = Reply(text=[f"word{number} " for number in range(40)], chunk_delay=0.05)
LIMIT = 10.0  # seconds from the signal to the end of the process


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    server = PostgresServer()
    yield server
    server.close()


@dataclass(frozen=True, slots=True)
class Scene:
    """A bot that serves through two links, each of which can be halted, and the person who writes to it."""

    service: Service
    telegram: HaltingProxy
    database: HaltingProxy
    model: ModelServer
    anna: SandboxUser
    url: str

    async def stop(self) -> float:
        """Send SIGTERM and return the seconds until the process has ended, properly."""
        begun = time.monotonic()
        assert await self.service.stop(within=LIMIT + 30) == 0
        return time.monotonic() - begun

    async def read(self, query: str) -> list[tuple[object, ...]]:
        """Return what the database holds, read past the link."""
        database = await Database.open(self.url)
        try:
            return await database.read(lambda connection: [tuple(row) for row in connection.execute(text(query))])
        finally:
            await database.close()


@asynccontextmanager
async def in_mid_answer(beseda: Program, server: PostgresServer, reply: Reply) -> AsyncIterator[Scene]:
    """Yield a bot whose answer is growing in Anna's chat."""
    url = server.create_database()
    settings = SandboxSettings((BotAccount(TOKEN, "assistant_bot", "A"),), beseda.folder / "telegram")
    async with (
        serve_sandbox(settings) as sandbox,
        ModelServer() as model,
        halting_proxy(urlsplit(sandbox.base_url).port or 0) as telegram,
        halting_proxy(server.port) as database,
        SandboxUser(sandbox.base_url, ANNA, f"assistant_bot:{ANNA}") as anna,
    ):
        model.default = reply
        program = beseda.with_environ(
            ASSISTANT_BOT_TOKEN=TOKEN,
            TELEGRAM_API_URL=f"http://127.0.0.1:{telegram.port}",
            DATABASE_URL=url.replace(f":{server.port}/", f":{database.port}/"),
            BESEDA_MODEL=f"openai:{SERVED_MODEL}",
            OPENAI_API_KEY="key",
            OPENAI_BASE_URL=model.base_url,
        )
        async with program.serve("run", "--bot", "assistant") as service:
            await anna.say("Tell me a story")
            await anna.wait_draft()
            yield Scene(service, telegram, database, model, anna, url)


async def test_end_takes_ten_seconds_while_telegram_and_the_database_hang(
    beseda: Program, server: PostgresServer
) -> None:
    async with in_mid_answer(beseda, server, ENDLESS) as scene:
        scene.telegram.halt()
        scene.database.halt()
        assert await scene.stop() < LIMIT
        assert "Traceback" not in scene.service.log.read_text()


async def test_leases_are_given_back_while_telegram_alone_hangs(beseda: Program, server: PostgresServer) -> None:
    async with in_mid_answer(beseda, server, ENDLESS) as scene:
        scene.telegram.halt()
        assert await scene.stop() < LIMIT
        assert await scene.read("SELECT name FROM replicas WHERE NOT leaving") == []


async def test_answer_is_stored_as_soon_as_the_database_answers_before_the_end(
    beseda: Program, server: PostgresServer
) -> None:
    async with in_mid_answer(beseda, server, WHOLE) as scene:
        scene.telegram.halt()
        scene.database.halt()
        stop = asyncio.create_task(scene.stop())
        await eventually(lambda: _has_answered(scene.model), within=5)
        scene.database.resume()
        assert await stop < LIMIT
        stored = await scene.read("SELECT content FROM messages WHERE role = 'assistant'")
        assert [str(content).split()[-1] for (content,) in stored] == ["word39"]
        assert await scene.read("SELECT name FROM replicas WHERE NOT leaving") == []


async def _has_answered(model: ModelServer) -> bool:
    return model.completed > 0
