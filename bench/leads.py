"""The list of 100 of a million leads at 200 requests a second, beside a bare FastAPI + SQL handler.

    python -m bench --only leads

Each server has one core to itself; PostgreSQL, which both ask, and whoever asks them have the other. PostgreSQL fills
itself (generate_series). The two take turns, often and shortly, so that what else the machine does meets both.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import aiohttp
import asyncpg

from bench.bots import MeasuringError, on_cores, split_cores
from bench.report import Bar, Row, Section
from beseda.core.clock import SystemClock
from beseda.db import migrate
from beseda.db.database import Database
from beseda.features.api_keys.repository import ApiKeyRepository
from beseda.features.api_keys.service import ApiKeyService
from beseda.web.api_key import Scope
from tests.parts.postgres import PostgresServer, find_free_port

_START_SECONDS = 30.0
_PATH = "/api/v1/leads"

_USERS = """
INSERT INTO users (id, name, username, language, created_at, last_seen_at)
SELECT i, 'Anna', 'anna', 'ru', now(), now() FROM generate_series({first}, {last}) i
"""
_LEADS = """
INSERT INTO leads (bot, user_id, name, contact, phone, email, email_key, source, status, stage, owner, notes,
                   fit_score, search, version, created_at, updated_at)
SELECT 'sales', i, 'Anna Ivanova ' || i, '+7' || 9000000000 + i || ', anna' || i || '@example.org',
       '+7' || 9000000000 + i, 'anna' || i || '@example.org', 'anna' || i || '@example.org', 'telegram',
       (ARRAY['active', 'active', 'active', 'won', 'lost'])[1 + i % 5],
       (ARRAY['greeting', 'discovery', 'presentation', 'objections', 'scheduling', 'summary'])[1 + i % 6],
       (ARRAY['', '', 'Irina', 'Oleg'])[1 + i % 4], 'Wants to be called after six', i % 101,
       'anna ivanova ' || i || ' +7' || 9000000000 + i || ' anna' || i || '@example.org wants to be called after six',
       1 + i % 9, t, t + interval '1 hour' * (i % 99)
FROM generate_series({first}, {last}) i, LATERAL (SELECT now() - interval '1 second' * ({count} - i) AS t) facts
"""
_TOTALS = """
INSERT INTO lead_totals (bot, status, stage, count)
SELECT bot, status, stage, count(*) FROM leads WHERE merged_into IS NULL GROUP BY bot, status, stage
"""
_INDEXES = """
SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'leads' AND indexname <> 'pk_leads' ORDER BY indexname
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """How many leads there are, and how they are asked for."""

    leads: int = 1_000_000
    rate: int = 200
    seconds: float = 3.0
    rounds: int = 9


@dataclass(frozen=True, slots=True)
class Load:
    """Requests to one server: how long each took in milliseconds from when it was due."""

    took: Sequence[float]

    def share(self, part: float) -> float:
        """Return the time that so many of the requests kept under."""
        ordered = sorted(self.took)
        return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


async def fill_leads(url: str, count: int) -> None:
    """Make so many leads of as many people, in a PostgreSQL that has none; its indexes are built behind them."""
    connection = await asyncpg.connect(url)
    try:
        indexes = await connection.fetch(_INDEXES)
        for row in indexes:
            await connection.execute(f"DROP INDEX {row['indexname']}")
        values = {"first": 1, "last": count, "count": count}
        await connection.execute("SET maintenance_work_mem = '256MB'")
        for statement in (_USERS, _LEADS):
            await connection.execute(statement.format(**values))
        for row in indexes:
            await connection.execute(row["indexdef"])
        await connection.execute(_TOTALS)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


async def measure(plan: Plan, folder: Path, cores: set[int]) -> Section:
    """Fill a database, ask both servers in turn, and compare."""
    load = split_cores()[1]
    with on_cores(load):
        server = await asyncio.to_thread(PostgresServer)
    try:
        url = await asyncio.to_thread(server.create_database)
        await migrate.upgrade(url)
        began = time.perf_counter()
        await fill_leads(url, plan.leads)
        filling = time.perf_counter() - began
        database = await Database.open(url)
        try:
            _, key = await ApiKeyService(ApiKeyRepository(database, SystemClock()), SystemClock()).create(
                "bench", Scope.READ
            )
        finally:
            await database.close()
        return await _compare(plan, folder, cores, (url, key, filling))
    finally:
        await asyncio.to_thread(server.close)


async def _compare(plan: Plan, folder: Path, cores: set[int], made: tuple[str, str, float]) -> Section:
    url, key, filling = made
    async with AsyncExitStack() as stack:
        ours = await stack.enter_async_context(_serve_ours(url, folder, cores))
        bare = await stack.enter_async_context(_serve_bare(url, cores))
        headers = {"Authorization": f"Bearer {key}"}
        session = await stack.enter_async_context(aiohttp.ClientSession(headers=headers))
        with on_cores(split_cores()[1]):
            pages = await _ask_pages(session, ours + _PATH)
            loads: dict[str, list[Load]] = {"ours": [], "bare": []}
            for _ in range(plan.rounds):
                loads["bare"].append(await _load(session, f"{bare}/leads", plan))
                loads["ours"].append(await _load(session, ours + _PATH, plan))
    return Section(
        "Leads",
        f"{plan.leads:,} leads, lists of 100 at {plan.rate} a second on one core; reference: bare FastAPI + asyncpg",
        [
            Row("p95", "ms", _middle(loads["ours"], 0.95), _middle(loads["bare"], 0.95), Bar(most=20, ratio=1.3)),
            Row("p50", "ms", _middle(loads["ours"], 0.5), _middle(loads["bare"], 0.5)),
            *(Row(name, "ms", value, None, Bar(most=bar)) for name, (value, bar) in pages.items()),
            Row("filling the table", "s", filling),
        ],
    )


def _middle(loads: Sequence[Load], part: float) -> float:
    return median(load.share(part) for load in loads)


async def _ask_pages(session: aiohttp.ClientSession, url: str) -> Mapping[str, tuple[float, float]]:
    """Return how long single questions take, in milliseconds, and what each may take."""
    first = await _get(session, url, {"limit": "100"})
    deep = str(first["next_cursor"])
    for _ in range(5):
        deep = str((await _get(session, url, {"limit": "500", "cursor": deep}))["next_cursor"])
    questions: Mapping[str, tuple[Mapping[str, str], float]] = {
        "a page by cursor": ({"cursor": deep}, 20),
        "a page at offset 10,000": ({"offset": "10000"}, 40),
        "of one bot, status and stage": ({"bot": "sales", "status": "won", "stage": "discovery"}, 20),
        "of one owner, counted": ({"owner": "Irina", "sort": "-updated_at"}, 1000),
        "a phone, searched": ({"q": "+7 900 012-34-56"}, 200),
        "a name, searched and counted": ({"q": "ivanova 123456"}, 500),
    }
    found = {}
    for name, (query, bar) in questions.items():
        took = []
        for _ in range(5):
            began = time.perf_counter()
            await _get(session, url, query)
            took.append((time.perf_counter() - began) * 1000)
        found[name] = (median(took), bar)
    return found


async def _get(session: aiohttp.ClientSession, url: str, query: Mapping[str, str]) -> Mapping[str, object]:
    async with session.get(url, params=query) as answer:
        found: Mapping[str, object] = await answer.json()
        if answer.status != 200:
            raise MeasuringError(f"{query}: {answer.status} {found}")
        return found


async def _load(session: aiohttp.ClientSession, url: str, plan: Plan) -> Load:
    """Ask at an even rate, whether the answers keep up or not."""
    took: list[float] = []
    loop = asyncio.get_running_loop()

    async def ask(due: float) -> None:
        async with session.get(url, params={"limit": "100"}) as answer:
            body = await answer.read()
            if answer.status != 200 or len(body) < 10_000:
                raise MeasuringError(f"{url}: {answer.status} {body[:200]!r}")
        took.append((loop.time() - due) * 1000)

    for _ in range(50):  # connections, caches, prepared statements
        await ask(loop.time())
    took.clear()
    began = loop.time()
    async with asyncio.TaskGroup() as group:
        for number in range(int(plan.rate * plan.seconds)):
            due = began + number / plan.rate
            await asyncio.sleep(max(0.0, due - loop.time()))
            group.create_task(ask(due))
    return Load(took)


@asynccontextmanager
async def _serve_ours(url: str, folder: Path, cores: set[int]) -> AsyncIterator[str]:
    port = find_free_port()
    environ = {
        "DATABASE_URL": url,
        "STORAGE_DIR": str(folder / "data"),
        "BESEDA_API_RATE": "0",
        "PATH": os.environ["PATH"],
    }
    command = [sys.executable, "-m", "beseda", "api", "--port", str(port)]
    async with _run(command, cores, environ, f"http://127.0.0.1:{port}/health") as address:
        yield address


@asynccontextmanager
async def _serve_bare(url: str, cores: set[int]) -> AsyncIterator[str]:
    port = find_free_port()
    command = [sys.executable, "-m", "bench.bare_api", url, str(port)]
    async with _run(command, cores, {"PATH": os.environ["PATH"]}, f"http://127.0.0.1:{port}/leads?limit=1") as address:
        yield address


@asynccontextmanager
async def _run(command: Sequence[str], cores: set[int], environ: Mapping[str, str], probe: str) -> AsyncIterator[str]:
    with on_cores(cores):
        process = await asyncio.create_subprocess_exec(*command, env=dict(environ), stdout=asyncio.subprocess.DEVNULL)
    try:
        await _wait_for(probe)
        yield "/".join(probe.split("/")[:3])
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _wait_for(probe: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    async with aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(probe) as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            if time.monotonic() > deadline:
                raise MeasuringError(f"{probe} does not come up")
            await asyncio.sleep(0.05)
