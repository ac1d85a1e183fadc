"""Bots on other libraries, killed in the middle of their answers: how many messages are never answered?

Each bot is the handler of a tutorial: it asks the model and sends the answer. The versions are pinned here, and they
are installed into an environment of their own, so that Beseda does not depend on them.
"""

import asyncio
import random
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.bots import BESEDA, Kind, start_bot, wait_for_call
from bench.crowd import Question, open_crowd
from bench.model_server import Tempo
from bench.report import Row, Section

_FOLDER = Path(__file__).resolve().parent
_OPENAI = "openai==3.51.0"
_PEERS: tuple[tuple[str, str, str, Mapping[str, str]], ...] = (
    ("aiogram", "3.31.0", "bare_aiogram.py", {}),
    ("python-telegram-bot", "22.8", "peer_telegram_bot.py", {}),
    ("python-telegram-bot", "22.8", "peer_telegram_bot.py", {"BENCH_CONCURRENT": "1"}),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """`users` write a message each, the bot is killed up to `latest` seconds later, and is started again."""

    users: int = 40
    kills: int = 4
    seed: int = 1
    latest: float = 1.0
    tempo: Tempo = field(default=Tempo(least=0.2, most=1.0, chunks=4))
    # A round is over when nothing has been answered for so many seconds.
    quiet: float = 15.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Messages of all rounds, those that were never answered, and those that were answered more than once."""

    messages: int
    unanswered: int
    doubled: int


async def measure(plan: Plan, folder: Path, cores: set[int]) -> Section:
    """Kill Beseda and each of the others as often as planned, and show what was lost."""
    rows = []
    for kind in [BESEDA, *await asyncio.to_thread(_install, folder)]:
        verdict = await run_rounds(kind, plan, folder / kind.title.replace(" ", "-"), cores)
        print(f"{kind.title}: {verdict}", file=sys.stderr, flush=True)
        rows += [
            Row(f"{kind.title}: never answered", f"of {verdict.messages}", verdict.unanswered),
            Row(f"{kind.title}: answered twice", "", verdict.doubled),
        ]
    note = f"{plan.users} users write once, kill -9 within {plan.latest:g} s, {plan.kills} rounds"
    return Section("Bots on other libraries", note, rows)


async def run_rounds(kind: Kind, plan: Plan, folder: Path, cores: set[int]) -> Verdict:
    """Kill one bot in each round, let it answer what is left, and count."""
    moments = random.Random(plan.seed)
    async with open_crowd(seed=plan.seed) as crowd:
        crowd.model.tempo = plan.tempo
        for _ in range(plan.kills):
            crowd.telegram.forget_calls()
            bot = await start_bot(kind, crowd, folder, cores)
            try:
                await wait_for_call(bot, crowd, "getUpdates")
                questions = crowd.ask_once(plan.users)
                await asyncio.sleep(moments.uniform(0.0, plan.latest))
            finally:
                await bot.kill()
            await crowd.until_alone()
            crowd.telegram.forget_calls()
            bot = await start_bot(kind, crowd, folder, cores)
            try:
                await wait_for_call(bot, crowd, "getUpdates")
                await _wait_until_quiet(questions, plan.quiet)
            finally:
                await bot.stop()
        doubled = sum(len(question.answers) > 1 for question in crowd.questions.values())
        return Verdict(len(crowd.questions), len(crowd.unanswered), doubled)


async def _wait_until_quiet(questions: list[Question], seconds: float) -> None:
    """Wait until all questions are answered, or none has been answered for so long."""
    open_ones, since = -1, time.perf_counter()
    while open_ones and time.perf_counter() - since < seconds:
        await asyncio.sleep(0.1)
        left = sum(not question.is_whole for question in questions)
        if left != open_ones:
            open_ones, since = left, time.perf_counter()


def _install(folder: Path) -> list[Kind]:
    """Install the libraries into an environment of their own, and return their bots."""
    place = folder / "peers"
    uv = str(Path(sys.executable).with_name("uv"))
    wanted = sorted({f"{name}=={version}" for name, version, _, _ in _PEERS})
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(place)], check=True, timeout=120)
    python = str(place / "bin" / "python")
    command = [uv, "pip", "install", "--quiet", "--python", python, _OPENAI, *wanted]
    subprocess.run(command, check=True, timeout=300, cwd=folder)
    return [
        Kind(f"{name} {version}{' concurrent' if environ else ''}", (python, str(_FOLDER / script)), environ)
        for name, version, script, environ in _PEERS
    ]
