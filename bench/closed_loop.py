"""Users in a closed loop and a model that answers at once: all that is measured is the bot.

Both bots run throughout; one works while the other waits, by turns, so that whatever else the machine does meets both.
"""

import asyncio
import statistics
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.bots import BARE, BESEDA, BotProcess, Kind, MeasuringError, running_bot
from bench.crowd import Crowd, open_crowd
from bench.report import Bar, Row, Section

HALF = Bar(ratio=0.5)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured: rounds for each bot, seconds of a round after as many of warm-up as `warm` says."""

    users: int = 64
    rounds: int = 3
    seconds: float = 8.0
    warm: float = 2.0


@dataclass(frozen=True, slots=True)
class Round:
    """What one bot did in one round. Latencies in ms, CPU in ms for a reply.

    `load` is the share of its core that the load took: near 1 it would be the load that is measured.
    """

    cpu: float
    rate: float
    added_p50: float
    added_p95: float
    waited_p95: float
    load: float


@dataclass(frozen=True, slots=True)
class _Runner:
    bot: BotProcess
    crowd: Crowd
    rounds: list[Round]

    def median(self, name: str) -> float:
        return statistics.median(float(getattr(item, name)) for item in self.rounds)


async def measure(plan: Plan, folder: Path, cores: set[int]) -> Section:
    """Measure Beseda beside the bare bot."""
    async with AsyncExitStack() as stack:
        runners = [await _open(kind, folder / kind.title, cores, stack) for kind in (BESEDA, BARE)]
        for _ in range(plan.rounds):
            for runner in runners:
                runner.rounds.append(await _run_round(runner, plan))
        rows = _compare(*runners)
    note = f"{plan.users} users, model in 0 ms, {plan.rounds} × {plan.seconds:g} s by turns, reference: {BARE.title}"
    return Section("Closed loop", note, rows)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which this share of `values` lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


async def _open(kind: Kind, folder: Path, cores: set[int], stack: AsyncExitStack) -> _Runner:
    crowd = await stack.enter_async_context(open_crowd())
    return _Runner(await stack.enter_async_context(running_bot(kind, crowd, folder, cores)), crowd, [])


async def _run_round(runner: _Runner, plan: Plan) -> Round:
    bot, crowd = runner.bot, runner.crowd
    crowd.start(plan.users)
    await asyncio.sleep(plan.warm)
    start, cpu, load = time.perf_counter(), bot.cpu(), time.process_time()
    await asyncio.sleep(plan.seconds)
    end, cpu, load = time.perf_counter(), bot.cpu() - cpu, time.process_time() - load
    if not await crowd.stop(within=60) or crowd.strays:
        raise MeasuringError(f"{len(crowd.unanswered)} questions unanswered, {crowd.strays[:3]}:\n{bot.said()}")
    done = crowd.answered_between(start, end)
    added = [item.added * 1000 for item in done]
    return Round(
        cpu=cpu / len(done) * 1000,
        rate=len(done) / (end - start),
        added_p50=percentile(added, 0.5),
        added_p95=percentile(added, 0.95),
        waited_p95=percentile([item.waited * 1000 for item in done], 0.95),
        load=load / (end - start),
    )


def _compare(beseda: _Runner, bare: _Runner) -> list[Row]:
    figures: list[tuple[str, str, str, Bar | None]] = [
        ("cpu", "CPU per reply", "ms", HALF),
        ("rate", "replies per second", "", None),
        ("added_p50", "added latency p50", "ms", HALF),
        ("added_p95", "added latency p95", "ms", HALF),
        ("waited_p95", "the user's wait p95", "ms", None),
        ("load", "share of the other core that the load took", "", None),
    ]
    rows = [Row(title, unit, beseda.median(name), bare.median(name), bar) for name, title, unit, bar in figures]
    return [*rows, Row("peak memory", "MiB", beseda.bot.peak_memory(), bare.bot.peak_memory())]
