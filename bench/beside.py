"""What one thing that stands still costs the chats beside it: a hung Redis, a dead receiver of webhooks, long reads,
a chat at which Telegram fails, an update that the database refuses.

Each row holds the users' wait while the thing stands still beside the same users' wait before, in one run.
"""

import asyncio
import itertools
import secrets
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Connection, text

from bench import storage
from bench.bots import BESEDA, Kind, MeasuringError, running_bot
from bench.closed_loop import percentile
from bench.crowd import Crowd, open_crowd
from bench.report import Bar, Row, Section
from beseda.db import migrate
from beseda.db.database import Database
from beseda.features.webhooks.keys import make_fingerprint
from beseda.features.webhooks.model import NewEndpoint
from beseda.features.webhooks.repository import WebhookRepository
from tests.parts.redis import RedisServer

_BAR = Bar(above=100.0)  # ms
_READ_SECONDS = 5.0
_SECRET = "a secret of sixteen letters"
_STUCK = 999_999_999  # a chat, none of the crowd's
_REFUSING = (
    "CREATE TRIGGER refusing BEFORE INSERT ON messages WHEN NEW.content LIKE 'poison%' "
    "BEGIN SELECT RAISE(ABORT, 'refused'); END"
)


@dataclass(frozen=True, slots=True)
class Plan:
    """How many users write with pauses, and how many seconds before the thing stands still and while it does."""

    users: int = 20
    seconds: float = 20.0
    warm: float = 2.0


async def measure(plan: Plan, folder: Path, cores: set[int]) -> Section:
    """Measure each thing in turn."""
    rows = [
        await _measure_redis(plan, folder / "redis", cores),
        await _measure_receiver(plan, folder / "receiver", cores),
        await _measure_reads(folder / "reads.db"),
        await _measure_chat(plan, folder / "chat", cores),
        await _measure_poison(plan, folder / "poison", cores),
    ]
    note = f"the user's wait p95, {plan.users} users with pauses; reference: before it stood still"
    return Section("Beside what stands still", note, rows)


async def _measure_redis(plan: Plan, folder: Path, cores: set[int]) -> Row:
    await asyncio.to_thread(folder.mkdir, parents=True)
    server = await asyncio.to_thread(RedisServer, folder)
    try:
        kind = replace(BESEDA, environ={**BESEDA.environ, "REDIS_URL": server.url})
        calm, troubled = await _measure_bot(kind, lambda _: server.pause(), plan, (folder, cores))
    finally:
        server.resume()
        await asyncio.to_thread(server.stop)
    return Row("a Redis that hangs", "ms", troubled, calm, _BAR)


async def _measure_receiver(plan: Plan, folder: Path, cores: set[int]) -> Row:
    await asyncio.to_thread(folder.mkdir, parents=True)
    async with _receiver() as receiver:
        data = folder / "bot" / "data"
        await asyncio.to_thread(data.mkdir, parents=True)
        await _subscribe(f"sqlite:///{data / 'beseda.db'}", receiver.url)
        environ = {"BESEDA_EVENTS_SECRET": _SECRET, "BESEDA_WEBHOOKS_ALLOW_PRIVATE": "on"}
        kind = replace(BESEDA, environ={**BESEDA.environ, **environ})
        calm, troubled = await _measure_bot(kind, lambda _: receiver.die(), plan, (folder, cores))
    if not receiver.received:
        raise MeasuringError("the receiver of webhooks was sent nothing")
    return Row("a receiver of webhooks that is dead", "ms", troubled, calm, _BAR)


async def _measure_chat(plan: Plan, folder: Path, cores: set[int]) -> Row:
    """Measure beside a chat with a thousand messages, each answer to which Telegram answers with a server error."""

    def stop(crowd: Crowd) -> None:
        crowd.telegram.failing_chats.add(_STUCK)
        for number in range(1000):
            crowd.telegram.write(_STUCK, _STUCK, f"stuck {number}")

    await asyncio.to_thread(folder.mkdir, parents=True)
    calm, troubled = await _measure_bot(BESEDA, stop, plan, (folder, cores))
    return Row("a chat that does not move", "ms", troubled, calm, _BAR)


async def _measure_poison(plan: Plan, folder: Path, cores: set[int]) -> Row:
    """Measure beside an update whose question the database refuses, tried again until it is set aside."""

    def stop(crowd: Crowd) -> None:
        crowd.telegram.failing_chats.add(_STUCK)  # the notice is no answer to a question
        with closing(sqlite3.connect(folder / "bot" / "data" / "beseda.db", timeout=10)) as database:
            database.execute(_REFUSING)
            database.commit()
        for number in range(10):
            crowd.telegram.write(_STUCK + number, _STUCK, f"poison {number}")

    await asyncio.to_thread(folder.mkdir, parents=True)
    calm, troubled = await _measure_bot(BESEDA, stop, plan, (folder, cores))
    return Row("an update that the database refuses", "ms", troubled, calm, _BAR)


async def _measure_bot(
    kind: Kind, stop: Callable[[Crowd], None], plan: Plan, place: tuple[Path, set[int]]
) -> tuple[float, float]:
    """Return the users' wait at the 95th percentile in ms, before `stop` and after it."""
    folder, cores = place
    async with open_crowd() as crowd, running_bot(kind, crowd, folder / "bot", cores) as bot:
        crowd.start(plan.users, pause=(0.1, 0.5))
        await asyncio.sleep(plan.warm)
        moments = [time.perf_counter()]
        await asyncio.sleep(plan.seconds)
        moments.append(time.perf_counter())
        stop(crowd)
        await asyncio.sleep(plan.seconds)
        moments.append(time.perf_counter())
        if not await crowd.stop(within=60) or crowd.strays:
            raise MeasuringError(f"{len(crowd.unanswered)} questions unanswered, {crowd.strays[:3]}:\n{bot.said()}")
    spans = itertools.pairwise(moments)
    waits = [[item.waited * 1000 for item in crowd.answered_between(*span)] for span in spans]
    return percentile(waits[0], 0.95), percentile(waits[1], 0.95)


async def _measure_reads(path: Path) -> Row:
    """Measure a turn's writes and reads while two reads of five seconds are under way in the same process."""
    url = f"sqlite:///{path}"
    await migrate.upgrade(url)
    database = await Database.open(url)
    calm = await storage.measure_turns(database, tasks=8, seconds=_READ_SECONDS - 1)
    reads = [asyncio.create_task(database.read_long(_read_on)) for _ in range(2)]
    troubled = await storage.measure_turns(database, tasks=8, seconds=_READ_SECONDS - 1)
    if any(read.done() for read in reads):
        raise MeasuringError("the long reads were over too soon")
    await asyncio.gather(*reads)
    await database.close()
    return Row("two long reads of SQLite (a turn in the database)", "ms", troubled, calm, _BAR)


def _read_on(connection: Connection) -> None:
    ends = time.monotonic() + _READ_SECONDS
    while time.monotonic() < ends:
        query = (
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) SELECT count(*) FROM n"
        )
        connection.execute(text(query)).scalar()


async def _subscribe(url: str, address: str) -> None:
    await migrate.upgrade(url)
    database = await Database.open(url)
    await WebhookRepository(database).add(NewEndpoint(address, secrets.token_hex(16), make_fingerprint(_SECRET)))
    await database.close()


class _Receiver:
    """Takes webhooks until it dies: from then on it takes connections and answers nothing."""

    def __init__(self) -> None:
        self.url = ""
        self.received = 0
        self._is_dead = False

    def die(self) -> None:
        self._is_dead = True

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
                await reader.readexactly(int(length.split(b":")[1]))
                self.received += 1
                if not self._is_dead:
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@asynccontextmanager
async def _receiver() -> AsyncIterator[_Receiver]:
    receiver = _Receiver()
    server = await asyncio.start_server(receiver.take, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/events"
    yield receiver
    server.close()
