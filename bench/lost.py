"""Answers of Telegram that get lost, and a database that goes away: is every message answered, once and in order?"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from bench.bots import BESEDA, Kind, running_bot
from bench.crowd import Crowd, open_crowd
from bench.model_server import Tempo
from bench.report import Bar, Row, Section
from tests.parts.postgres import PostgresServer

_TEMPO = Tempo(least=0.05, most=0.2, chunks=4)
_CATCH_UP = 120.0  # seconds that the last answers get


@dataclass(frozen=True, slots=True)
class Plan:
    """`messages` are asked while a `share` of the answers is lost; then the database is away as often as told."""

    users: int = 100
    messages: int = 10_000
    share: float = 0.01
    outages: int = 2
    away: float = 60.0
    between: float = 10.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Messages asked, and what became of them; `lost` counts the answers of Telegram that never came."""

    messages: int
    unanswered: int
    doubled: int
    disordered: int
    lost: int = 0

    @classmethod
    def of(cls, crowd: Crowd) -> "Verdict":
        """Judge a crowd that writes no more."""
        return cls(
            messages=len(crowd.questions),
            unanswered=len(crowd.unanswered),
            doubled=sum(len(question.answers) - 1 for question in crowd.questions.values() if question.answers),
            disordered=sum(heard != sorted(heard) for heard in crowd.orders()),
            lost=crowd.telegram.lost,
        )


async def run_losses(plan: Plan, folder: Path, cores: set[int]) -> Verdict:
    """Let users write until enough is asked, with answers of Telegram lost at random."""

    async def load(crowd: Crowd) -> None:
        crowd.telegram.loss = plan.share
        while len(crowd.questions) < plan.messages:  # noqa: ASYNC110 - the crowd tells of no number
            await asyncio.sleep(0.1)
        crowd.telegram.loss = 0.0

    return await _run(plan, load, BESEDA, folder, cores)


async def run_outages(plan: Plan, folder: Path, cores: set[int]) -> Verdict:
    """Let users write while PostgreSQL is stopped and started again."""
    server = await asyncio.to_thread(PostgresServer)
    try:
        url = await asyncio.to_thread(server.create_database)

        async def load(_: Crowd) -> None:
            for _outage in range(plan.outages):
                await asyncio.sleep(plan.between)
                await asyncio.to_thread(server.stop)
                await asyncio.sleep(plan.away)
                await asyncio.to_thread(server.start)
            await asyncio.sleep(plan.between)

        kind = replace(BESEDA, environ={**BESEDA.environ, "DATABASE_URL": url})
        return await _run(plan, load, kind, folder, cores)
    finally:
        await asyncio.to_thread(server.close)


async def _run(
    plan: Plan, load: Callable[[Crowd], Awaitable[None]], kind: Kind, folder: Path, cores: set[int]
) -> Verdict:
    async with open_crowd() as crowd:
        crowd.model.tempo = _TEMPO
        async with running_bot(kind, crowd, folder, cores):
            crowd.start(plan.users, pause=(0.05, 0.2))
            await load(crowd)
            await crowd.stop(within=_CATCH_UP)
        return Verdict.of(crowd)


async def measure(plan: Plan, folder: Path, cores: set[int]) -> Section:
    """Measure both and show them as figures."""
    losses = await run_losses(plan, folder / "losses", cores)
    outages = await run_outages(plan, folder / "outages", cores)
    none = Bar(most=0)
    rows = [
        Row("messages, answers of Telegram lost", "", losses.messages),
        Row("answers lost", "", losses.lost),
        Row("unanswered, answers lost", "", losses.unanswered, bar=none),
        Row("answered twice, answers lost", "%", 100 * losses.doubled / losses.messages, bar=Bar(most=0.1)),
        Row("messages, database away", "", outages.messages),
        Row("unanswered, database away", "", outages.unanswered, bar=none),
        Row("answered twice, database away", "", outages.doubled, bar=none),
        Row("users answered out of order, database away", "", outages.disordered, bar=none),
    ]
    note = f"{plan.share:.0%} of the answers lost; the database away {plan.outages} × {plan.away:.0f} s"
    return Section("Lost answers", note, rows)
