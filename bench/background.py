"""What background work costs the chats beside it: a year of figures, old updates to be deleted, and a report.

The bot does it itself, as `beseda run` does, on the core that its chats have. The same users' wait in one run, before
the work and while it is done.
"""

import asyncio
import itertools
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.bots import BESEDA, MeasuringError, running_bot
from bench.closed_loop import percentile
from bench.crowd import open_crowd
from bench.report import Bar, Row, Section
from beseda.core.ids import lowest_id, new_id
from beseda.db import migrate
from beseda.db.database import Database
from beseda.engine.jobs.model import JobRequest
from beseda.engine.jobs.repository import JobRepository
from beseda.features.analytics.model import Period
from beseda.features.analytics.repository import AnalyticsRepository
from beseda.features.reports.model import NewReport, ReportFormat, ReportKind
from beseda.features.reports.repository import ReportRepository
from beseda.features.reports.service import KIND as REPORT
from beseda.testing.waiting import eventually

_BAR = Bar(ratio=1.10)
_PEOPLE = 500
_WORK = ("analytics.rollup", "record.tidy")
_NUMBERS = "WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last})"
_PEOPLE_ROWS = (
    """{numbers} INSERT INTO users (id, name, username, language, created_at, last_seen_at)
    SELECT i, 'Anna', '', 'ru', {since}, {since} FROM n""",
    """{numbers} INSERT INTO conversations
    (id, bot, chat_id, thread_id, kind, title, user_id, created_at, updated_at)
    SELECT i, 'assistant', i, 0, 'private', '', i, {since}, {since} FROM n""",
)
_TURN_ROWS = (
    """{numbers} INSERT INTO turns
    (id, conversation_id, user_id, kind, state, reason, attempt, input, created_at, updated_at)
    SELECT {low} + i * {step}, 1 + i % {people}, 1 + i % {people}, 'chat', 'delivered', '', 0, 'How much?',
    {since} + i * {pace}, {since} + i * {pace} + 1500000 FROM n""",
    """INSERT INTO messages (conversation_id, turn_id, role, content, created_at)
    SELECT conversation_id, id, role, 'Flats by the sea begin at two hundred thousand.', created_at
    FROM turns, (SELECT 'user' AS role UNION ALL SELECT 'assistant')""",
    """INSERT INTO model_calls (turn_id, attempt, endpoint, model, prompt_tokens, completion_tokens, cost, estimated,
    finish_reason, first_token_ms, total_ms, error, created_at)
    SELECT id, 0, 'vllm', 'qwen', 900, 120, 0.0004, 0, 'stop', 300, 1500, '', created_at FROM turns""",
    """{numbers} INSERT INTO updates (bot, update_id, received_at, finished_at)
    SELECT 'assistant', i - 1000000, {old}, {old} FROM n""",
)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much happened in a year, and how long users write before the work."""

    turns: int = 100_000
    users: int = 20
    seconds: float = 20.0
    warm: float = 3.0
    longest: float = 300.0


async def measure(plan: Plan, folder: Path, cores: set[int]) -> Section:
    """Measure the users' wait before the work and until it is over."""
    data = folder / "bot" / "data"
    await asyncio.to_thread(data.mkdir, parents=True)
    path = data / "beseda.db"
    await migrate.upgrade(f"sqlite:///{path}")
    await asyncio.to_thread(_fill, plan, path)
    async with open_crowd() as crowd, running_bot(BESEDA, crowd, folder / "bot", cores) as bot:
        crowd.start(plan.users, pause=(0.1, 0.5))
        await asyncio.sleep(plan.warm)
        moments, used = [time.perf_counter()], [bot.cpu()]
        await asyncio.sleep(plan.seconds)
        moments.append(time.perf_counter())
        used.append(bot.cpu())
        await _work(plan, f"sqlite:///{path}")
        moments.append(time.perf_counter())
        used.append(bot.cpu())
        if not await crowd.stop(within=60) or crowd.strays:
            raise MeasuringError(f"{len(crowd.unanswered)} questions unanswered, {crowd.strays[:3]}:\n{bot.said()}")
    spans = list(itertools.pairwise(moments))
    calm, busy = ([item.waited * 1000 for item in crowd.answered_between(*span)] for span in spans)
    note = f"a year of {plan.turns:,} turns rolled up, old updates deleted, a report; reference: before it"
    return Section(
        "Beside background work",
        note,
        [
            Row("the user's wait p50", "ms", percentile(busy, 0.5), percentile(calm, 0.5), _BAR),
            Row("the user's wait p95", "ms", percentile(busy, 0.95), percentile(calm, 0.95), _BAR),
            Row("the work", "s", spans[1][1] - spans[1][0]),
            Row("the core while it is done", "%", 100 * (used[2] - used[1]) / (spans[1][1] - spans[1][0])),
        ],
    )


def _fill(plan: Plan, path: Path) -> None:
    now = datetime.now(UTC)
    since = now - timedelta(days=365)
    low, high = lowest_id(since), lowest_id(now - timedelta(hours=1))
    values: dict[str, object] = {
        "since": int(since.timestamp() * 1_000_000),
        "old": int((now - timedelta(days=5)).timestamp() * 1_000_000),
        "people": _PEOPLE,
        "low": low,
        "step": (high - low) // plan.turns,
        "pace": int(timedelta(days=364, hours=23).total_seconds() * 1_000_000) // plan.turns,
    }
    with closing(sqlite3.connect(path)) as database:
        for statement in _PEOPLE_ROWS:
            numbers = _NUMBERS.format(first=1, last=_PEOPLE)
            database.execute(statement.format(numbers=numbers, **values))
        for statement in _TURN_ROWS:
            numbers = _NUMBERS.format(first=0, last=plan.turns - 1)
            database.execute(statement.format(numbers=numbers, **values))
        database.commit()
    # Else the bot rolls all of it up as it starts.
    with closing(sqlite3.connect(path)) as database:
        for name in ("hours", "conversations"):
            moment = int(now.timestamp() * 1_000_000)
            database.execute("INSERT INTO rollups (name, until, updated_at) VALUES (?, ?, ?)", (name, moment, moment))
        database.commit()


async def _work(plan: Plan, url: str) -> None:
    """Have the bot do the work, and wait until it is over."""
    database = await Database.open(url)
    try:
        await database.write(lambda connection: connection.exec_driver_sql("DELETE FROM rollups").rowcount)
        await _wait_for(plan, database, [JobRequest(new_id(), kind, {}, slot="light") for kind in _WORK])
        now = datetime.now(UTC)
        report = await ReportRepository(database).add(
            NewReport(ReportKind.CONVERSATIONS, ReportFormat.XLSX, Period(now - timedelta(days=365), now), "en")
        )
        await _wait_for(plan, database, [JobRequest(new_id(), REPORT, {"report_id": report.id}, slot="text")])
        if await AnalyticsRepository(database).find_rolled_until() is None:
            raise MeasuringError("nothing was rolled up")
    finally:
        await database.close()


async def _wait_for(plan: Plan, database: Database, wanted: Sequence[JobRequest]) -> None:
    jobs = JobRepository(database)
    for request in wanted:
        await jobs.add(request)

    async def is_over() -> bool:
        return all(job.state.is_over for job in await jobs.find_all([request.id for request in wanted]))

    await eventually(is_over, within=plan.longest)
