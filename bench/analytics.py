"""Figures of a month over a million messages: from the roll-up, beside the same counted from the record.

    python -m bench --only analytics

PostgreSQL is real and filled by itself (generate_series), which takes half a minute.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import TypeVar

from bench.bots import MeasuringError, on_cores, split_cores
from bench.report import Bar, Row, Section
from beseda.core.clock import SystemClock
from beseda.core.ids import lowest_id
from beseda.db import migrate
from beseda.db.database import Database
from beseda.features.analytics.model import Metric, Metrics, Period, SeriesStep
from beseda.features.analytics.repository import AnalyticsRepository
from beseda.features.analytics.service import AnalyticsService
from tests.parts.postgres import PostgresServer

T = TypeVar("T")
_PEOPLE, _LEADS, _CHUNK = 20_000, 30_000, 50_000
_BAR = Bar(most=200)
_TRIES = 9

_USERS = """
INSERT INTO users (id, name, username, language, created_at, last_seen_at)
SELECT i, 'Anna', 'anna', 'ru', {since}, {since} FROM generate_series(1, {people}) i
"""
_CONVERSATIONS = """
INSERT INTO conversations (id, bot, chat_id, thread_id, kind, title, user_id, created_at, updated_at)
SELECT i, (ARRAY['sales', 'assistant', 'llama'])[1 + i % 3], i, 0, 'private', '', i,
       {since} + {span} * i / {people}, {since} + {span} FROM generate_series(1, {people}) i
"""
_TURNS = """
INSERT INTO turns (id, conversation_id, user_id, kind, state, reason, attempt, input, created_at, updated_at)
SELECT {low} + i * {step}, p, p, 'chat', CASE WHEN i % 50 = 0 THEN 'failed' ELSE 'delivered' END, '', 0,
       'How much is a flat by the sea?', t, t + interval '1 second' * exp(random() * 4 - 1)
FROM generate_series({first}, {last}) i,
     LATERAL (SELECT 1 + (i::bigint * 7919) % {people} AS p, {since} + {span} * i / {turns} AS t) facts
"""
_MESSAGES = """
INSERT INTO messages (conversation_id, turn_id, role, content, created_at)
SELECT conversation_id, id, role, 'Flats by the sea begin at two hundred thousand. Here they are.', created_at
FROM turns, (VALUES ('user'), ('assistant')) roles (role) WHERE id >= {from_id} AND id < {to_id}
"""
_CALLS = """
INSERT INTO model_calls (turn_id, attempt, endpoint, model, prompt_tokens, completion_tokens, cost, estimated,
                         finish_reason, first_token_ms, total_ms, error, created_at)
SELECT id, 0, 'vllm', 'qwen', 900, 120, 0.0004, false, 'stop', 300, 2000,
       CASE WHEN state = 'failed' THEN 'TimedOutError' ELSE '' END, created_at
FROM turns WHERE id >= {from_id} AND id < {to_id}
"""
_LEAD_ROWS = """
INSERT INTO leads (bot, user_id, name, contact, phone, email, email_key, source, status, stage, owner, notes,
                   fit_score, search, version, created_at, updated_at)
SELECT (ARRAY['sales', 'assistant', 'llama'])[1 + i / {people}], 1 + i % {people}, 'Anna', '', '', '', '', 'telegram',
       (ARRAY['active', 'active', 'won', 'lost'])[1 + i % 4],
       (ARRAY['greeting', 'discovery', 'presentation', 'summary'])[1 + i % 4], '', '', 50, '', 1,
       {since} + {span} * i / {leads}, {since} + {span} FROM generate_series(0, {leads} - 1) i
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much there is: two messages to a turn."""

    messages: int = 1_000_000
    days: int = 30


async def measure(plan: Plan, _folder: Path, cores: set[int]) -> Section:
    """Fill a database, ask for figures before and after it is rolled up, and compare."""
    server = await asyncio.to_thread(_start, cores)
    try:
        url = await asyncio.to_thread(server.create_database)
        await migrate.upgrade(url)
        database = await Database.open(url)
        try:
            return await _measure(plan, database)
        finally:
            await database.close()
    finally:
        await asyncio.to_thread(server.close)


def _start(cores: set[int]) -> PostgresServer:
    with on_cores(cores or split_cores()[0]):  # who asks has the other one
        return PostgresServer()


async def _measure(plan: Plan, database: Database) -> Section:
    now = datetime.now(UTC)
    period = Period(now - timedelta(days=plan.days), now)
    await _fill(plan, database, period)
    service = AnalyticsService(AnalyticsRepository(database), SystemClock())
    raw, slow = await _time(lambda: service.metrics(period), tries=3)
    raw_series, slow_series = await _time(lambda: service.series(period, Metric.RESPONSE_P95, SeriesStep.HOUR), tries=3)
    started = time.perf_counter()
    await service.roll_up()
    rolling = time.perf_counter() - started
    _, again = await _time(service.roll_up, tries=3)
    found, quick = await _time(lambda: service.metrics(period))
    series, quick_series = await _time(lambda: service.series(period, Metric.RESPONSE_P95, SeriesStep.HOUR))
    people, quick_people = await _time(lambda: service.series(period, Metric.ACTIVE_USERS, SeriesStep.DAY))
    if _comparable(raw) != _comparable(found) or raw_series != series or not people:
        raise MeasuringError(f"the roll-up says something else: {_comparable(found)}, not {_comparable(raw)}")
    rows = [
        Row("all figures of the month", "ms", quick * 1000, slow * 1000, _BAR),
        Row("response times of every hour", "ms", quick_series * 1000, slow_series * 1000, _BAR),
        Row("active users of every day", "ms", quick_people * 1000, None, _BAR),
        Row("rolling up all of it", "s", rolling),
        Row("rolling up another hour", "s", again),
    ]
    note = f"{plan.messages:,} messages in {plan.days} days, PostgreSQL; reference: counted from the record"
    return Section("Figures", note, rows)


def _comparable(found: Metrics) -> tuple[object, ...]:
    figures = found.figures
    return figures.messages, figures.tokens, figures.failures, found.active_users, found.response_p95, found.leads


async def _time(ask: Callable[[], Awaitable[T]], tries: int = _TRIES) -> tuple[T, float]:
    """Return the last answer and the median of the seconds that it took."""
    took = []
    for _ in range(tries - 1):
        started = time.perf_counter()
        await ask()
        took.append(time.perf_counter() - started)
    started = time.perf_counter()
    answer = await ask()
    return answer, median([*took, time.perf_counter() - started])


async def _fill(plan: Plan, database: Database, period: Period) -> None:
    turns = plan.messages // 2
    low, high = lowest_id(period.since), lowest_id(period.until)
    step = (high - low) // turns
    values = {
        "since": f"timestamptz '{period.since.isoformat()}'",
        "span": f"interval '{plan.days} days'",
        "people": _PEOPLE,
        "leads": _LEADS,
        "turns": turns,
        "low": low,
        "step": step,
    }
    await _execute(database, _USERS.format(**values))
    await _execute(database, _CONVERSATIONS.format(**values))
    for first in range(0, turns, _CHUNK):
        last = min(first + _CHUNK, turns)
        values |= {"first": first, "last": last - 1, "from_id": low + first * step, "to_id": low + last * step}
        for statement in (_TURNS, _MESSAGES, _CALLS):
            await _execute(database, statement.format(**values))
    await _execute(database, _LEAD_ROWS.format(**values))
    await _execute(database, "ANALYZE")


async def _execute(database: Database, statement: str) -> None:
    await database.write(lambda connection: connection.exec_driver_sql(statement).rowcount)
