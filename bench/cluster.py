"""The processes and servers of one platform of several machines, each of which can be killed and brought back."""

import asyncio
import contextlib
import sys
from collections.abc import Collection
from pathlib import Path

import aiohttp
import asyncpg
import orjson

from bench.bots import BotProcess, Kind, MeasuringError, find_free_port, start_bot
from bench.media_servers import MediaCrowd
from bench.webhook_telegram import WebhookTelegram
from beseda.engine.updates.model import partition_of
from tests.parts.postgres import PostgresServer
from tests.parts.redis import RedisServer

BOT = "media"
SECRET = "of-the-webhook-for-measuring"
_UP_WITHIN = 40.0
_LOOK_EVERY = 0.25  # seconds
_OWNERS = "SELECT owners FROM territories WHERE bot = $1"
_BEGUN = """
SELECT updates.update_id, conversations.chat_id FROM deliveries
JOIN turns ON turns.id = deliveries.turn_id AND turns.attempt = deliveries.attempt
JOIN conversations ON conversations.id = turns.conversation_id
JOIN updates ON updates.turn_id = turns.id
WHERE deliveries.state = 'sending' AND deliveries.message_id IS NULL
"""


class Cluster:
    """Replicas, workers and the two servers they share."""

    def __init__(self, crowd: MediaCrowd, telegram: WebhookTelegram, folder: Path, cores: set[int]) -> None:
        self._crowd = crowd
        self._telegram = telegram
        self._folder = folder
        self._cores = cores
        self._alive: dict[str, BotProcess] = {}
        self._ports: dict[str, int] = {}
        self.postgres = PostgresServer()
        (folder / "redis").mkdir()
        self.redis = RedisServer(folder / "redis")
        self.servers: dict[str, PostgresServer | RedisServer] = {"redis": self.redis, "postgres": self.postgres}
        self.database = self.postgres.create_database()

    async def start(self, name: str) -> None:
        """Start a part: a "bot-…" is a replica, a "worker-…" a worker."""
        if name.startswith("bot"):
            port = self._ports.setdefault(name, find_free_port())
            command = ("bot", "--bot", BOT, "--port", str(port))
            self._alive[name] = await self._spawn(name, command)
            await _until_ready(self._alive[name], f"http://127.0.0.1:{port}/ready")
            self._telegram.replicas.append(f"http://127.0.0.1:{port}")
        else:
            self._alive[name] = await self._spawn(name, ("worker",))

    async def kill(self, name: str) -> frozenset[int]:
        """End a part as a power cut would, a proxy in front notices at once; return the parts of chats it owned."""
        process = self._alive.pop(name)
        before = await self._parts_of(process)
        await process.kill()
        if name in self._ports:
            self._telegram.replicas.remove(f"http://127.0.0.1:{self._ports[name]}")
        return before | await self._parts_of(process)

    def cpu(self) -> float:
        """Return the CPU seconds that the replicas have used so far."""
        return sum(process.cpu() for name, process in self._alive.items() if name.startswith("bot"))

    async def stop(self) -> None:
        """Ask every process to end."""
        await asyncio.gather(*(process.stop() for process in self._alive.values()))

    def close(self) -> None:
        """End what is left."""
        self.redis.stop()
        self.postgres.close()

    async def begun(self, parts: Collection[int]) -> list[tuple[int, int]]:
        """Return the updates, with their chats, whose deliveries in these parts are begun and not recorded."""
        return [(row[0], row[1]) for row in await self._query(_BEGUN) if partition_of(row[1]) in parts]

    async def list_unfinished(self) -> list[str]:
        """Return what the database does not know to be worked off: updates, and jobs by their kind."""
        updates = await self._query("SELECT update_id FROM updates WHERE finished_at IS NULL")
        jobs = await self._query("SELECT kind, state FROM jobs WHERE finished_at IS NULL")
        return [*(f"update {row[0]}" for row in updates), *(f"{row[0]} is {row[1]}" for row in jobs)]

    async def until_idle(self, *, within: float) -> None:
        """Wait up to `within` seconds until all is worked off."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                while await self.list_unfinished():  # noqa: ASYNC110 - what is waited for is in other processes
                    await asyncio.sleep(_LOOK_EVERY)

    async def _parts_of(self, process: BotProcess) -> frozenset[int]:
        rows = await self._query(_OWNERS, BOT)
        owners = orjson.loads(rows[0][0]) if rows else {}
        return frozenset(part for name, parts in owners.items() if f":{process.number}:" in name for part in parts)

    async def _query(self, sql: str, *values: object) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.database)
        try:
            return list(await connection.fetch(sql, *values))
        finally:
            await connection.close()

    async def _spawn(self, name: str, command: tuple[str, ...]) -> BotProcess:
        environ = {
            "BESEDA_MODEL": "vllm:bench",
            "BESEDA_LIMITS": "off",
            "LOG_LEVEL": "warning",
            "DATABASE_URL": self.database,
            "REDIS_URL": self.redis.url,
            "CELERY_BROKER_URL": self.redis.url.removesuffix("/0") + "/1",
            "BESEDA_PUBLIC_URL": "https://bots.example.org",
            "BESEDA_WEBHOOK_SECRET": SECRET,
            "BESEDA_BOTS": BOT,
            "STORAGE_DIR": str(self._folder / "shared"),
        }
        kind = Kind(name, (sys.executable, "-m", "beseda", *command), environ)
        return await start_bot(kind, self._crowd, self._folder / name, self._cores)


async def _until_ready(process: BotProcess, url: str) -> None:
    async with aiohttp.ClientSession() as web:
        for _ in range(int(_UP_WITHIN / 0.05)):
            try:
                async with web.get(url) as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)
    raise MeasuringError(f"a replica is not ready:\n{process.said()}")
