"""How long one waits for a start: of the bot, and of a command."""

import statistics
import subprocess
import sys
import time
from pathlib import Path

from bench.bots import BESEDA, on_cores, running_bot, wait_for_call
from bench.crowd import open_crowd
from bench.report import Bar, Row, Section

_TIMES = 3


async def measure(folder: Path, cores: set[int]) -> Section:
    """Measure the start beside what `import aiogram` alone takes."""
    with on_cores(cores):
        importing = _time_command("-c", "import aiogram")
        helping = _time_command("-m", "beseda", "--help")
    ready = statistics.median([await _start(folder / str(number), cores) for number in range(_TIMES)])
    again = await _start(folder / "0", cores)
    rows = [
        Row("first start to the first getUpdates", "s", ready, importing, Bar(above=1.5)),
        Row("start with a database", "s", again, importing, Bar(above=1.5)),
        Row("beseda --help", "s", helping, importing, Bar(most=0.5)),
    ]
    return Section("Start", f"median of {_TIMES}, reference: import aiogram", rows)


async def _start(folder: Path, cores: set[int]) -> float:
    async with open_crowd() as crowd, running_bot(BESEDA, crowd, folder, cores) as bot:
        return await wait_for_call(bot, crowd, "getUpdates")


def _time_command(*arguments: str) -> float:
    times = []
    for _ in range(_TIMES):
        started = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, timeout=60)
        times.append(time.perf_counter() - started)
    return statistics.median(times)
