"""Everybody at once: a thousand users wait for answers that the model takes two seconds to say, chunk by chunk."""

from dataclasses import dataclass, field
from pathlib import Path

from bench.bots import BARE_STREAMING, BESEDA, Kind, MeasuringError, running_bot
from bench.closed_loop import percentile
from bench.crowd import Crowd, open_crowd
from bench.model_server import Tempo
from bench.report import Bar, Row, Section

SOON = Bar(most=1.5)
SMALL = Bar(most=300)


@dataclass(frozen=True, slots=True)
class Plan:
    """How many write at once, how often, and how the model answers."""

    users: int = 1000
    waves: int = 3
    tempo: Tempo = field(default=Tempo(2.0, 2.0, chunks=40))


@dataclass(frozen=True, slots=True)
class Outcome:
    """How long users waited beyond the model's own time, in seconds; memory in MiB, CPU in seconds for a wave."""

    waits: list[float]
    memory: float
    cpu: float


async def measure(plan: Plan, folder: Path, cores: set[int]) -> Section:
    """Measure Beseda beside the bare bot."""
    ours = await _run(BESEDA, plan, folder / "beseda", cores)
    bare = await _run(BARE_STREAMING, plan, folder / "bare", cores)
    rows = [
        Row(
            f"wait beyond the model's time {name}",
            "s",
            percentile(ours.waits, share),
            percentile(bare.waits, share),
            bar,
        )
        for name, share, bar in (("p50", 0.5, SOON), ("p95", 0.95, SOON), ("max", 1.0, SOON))
    ]
    rows.append(Row("CPU for a wave", "s", ours.cpu, bare.cpu))
    rows.append(Row("peak memory", "MiB", ours.memory, bare.memory, SMALL))
    tempo = plan.tempo
    note = (
        f"{plan.users} users, {tempo.most:g} s in {tempo.chunks} chunks, {plan.waves} waves, the first cold; "
        f"reference: {BARE_STREAMING.title}, which shows nothing before the end"
    )
    return Section("Everybody at once", note, rows)


async def _run(kind: Kind, plan: Plan, folder: Path, cores: set[int]) -> Outcome:
    async with open_crowd() as crowd, running_bot(kind, crowd, folder, cores) as bot:
        crowd.model.tempo = plan.tempo
        before = bot.cpu()
        for _ in range(plan.waves):
            await _send_wave(crowd, plan.users)
        waits = [item.waited for item in crowd.questions.values()]
        return Outcome(waits, bot.peak_memory(), (bot.cpu() - before) / plan.waves)


async def _send_wave(crowd: Crowd, users: int) -> None:
    crowd.ask_once(users)
    if not await crowd.wait(within=120) or crowd.strays:
        raise MeasuringError(f"{len(crowd.unanswered)} unanswered, {len(crowd.strays)} strays: {crowd.strays[:3]}")
