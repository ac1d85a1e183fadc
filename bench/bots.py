"""Bots as processes of their own, on a core of their own, and what they cost."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.crowd import Crowd
from bench.telegram_server import TOKEN

_READY_WITHIN = 60.0
_FOLDER = Path(__file__).resolve().parent


class MeasuringError(Exception):
    """A bot did not do what was to be measured."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A bot to measure: how it is called in tables, and how it is started. `{port}` is a free port."""

    title: str
    command: Sequence[str]
    environ: Mapping[str, str]


BESEDA = Kind(
    "Beseda",
    (sys.executable, "-m", "beseda", "run", "--bot", "assistant", "--no-sandbox", "--port", "{port}"),
    {"BESEDA_MODEL": "vllm:bench", "BESEDA_LIMITS": "off", "LOG_LEVEL": "warning"},
)
BARE = Kind("bare aiogram + openai", (sys.executable, str(_FOLDER / "bare_aiogram.py")), {})
BARE_STREAMING = Kind(BARE.title, BARE.command, {"BENCH_STREAM": "1"})


def split_cores() -> tuple[set[int], set[int]]:
    """Return the core for bots and the one for load; the same where there is only one."""
    cores = sorted(os.sched_getaffinity(0))
    return {cores[0]}, {cores[-1]}


@contextmanager
def on_cores(cores: set[int]) -> Iterator[None]:
    """Keep this thread, and what it starts, on these cores for the length of the block."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class BotProcess:
    """A running bot."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path, started: float) -> None:
        self._process = process
        self._watched = psutil.Process(process.pid)
        self._log = log
        self.started = started

    @property
    def number(self) -> int:
        """Its process number."""
        return self._process.pid

    async def wait(self) -> None:
        """Wait until it ends."""
        await self._process.wait()

    def cpu(self) -> float:
        """Return the CPU seconds it and its children have used so far."""
        return sum(sum(process.cpu_times()[:2]) for process in self._family())

    def peak_memory(self) -> float:
        """Return the MiB that it and its children held at most."""
        return sum(_peak(process.pid) for process in self._family())

    def held_memory(self) -> tuple[float, float]:
        """Return the MiB that it holds now by itself, and with its children; pages they share count for each."""
        held = [_resident(process) for process in self._family()]
        return held[0], sum(held)

    async def kill(self) -> None:
        """End it as a power cut would."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    async def stop(self) -> None:
        """Ask it to end; kill it after a while."""
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), 15)
        except TimeoutError:
            await self.kill()

    def said(self) -> str:
        """Return the end of what it wrote on its way."""
        return self._log.read_text(errors="replace")[-2000:]

    def _family(self) -> list[psutil.Process]:
        return [self._watched, *self._watched.children(recursive=True)]


def _resident(process: psutil.Process) -> float:
    try:
        return float(process.memory_info().rss) / 1024**2
    except psutil.NoSuchProcess:
        return 0.0  # it ended since it was listed


def _peak(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


async def start_bot(kind: Kind, crowd: Crowd, folder: Path, cores: set[int]) -> BotProcess:
    """Start a bot between the servers of a crowd; its data and its log are in `folder`."""
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    log = folder / "bot.log"
    telegram, model = crowd.servers
    system = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environ = {
        **system,
        "PYTHONPATH": str(_FOLDER.parent),  # this checkout is measured, whichever is installed
        "BOT_TOKEN": TOKEN,
        "TELEGRAM_API_URL": telegram.url,
        "VLLM_BASE_URL": f"{model.url}/v1",
        "STORAGE_DIR": str(folder / "data"),
        **kind.environ,
    }
    command = [part.format(port=find_free_port()) for part in kind.command]
    started = time.perf_counter()
    with log.open("ab") as sink, on_cores(cores):
        process = await asyncio.create_subprocess_exec(
            *command, cwd=folder, env=environ, stdin=asyncio.subprocess.DEVNULL, stdout=sink, stderr=sink
        )
    return BotProcess(process, log, started)


@asynccontextmanager
async def running_bot(kind: Kind, crowd: Crowd, folder: Path, cores: set[int]) -> AsyncIterator[BotProcess]:
    """Run a bot for the length of the block; it is asking for updates when the block begins."""
    crowd.telegram.forget_calls()
    bot = await start_bot(kind, crowd, folder, cores)
    try:
        await wait_for_call(bot, crowd, "getUpdates")
        yield bot
    finally:
        await bot.stop()


async def wait_for_call(bot: BotProcess, crowd: Crowd, method: str) -> float:
    """Wait until the bot calls a Bot API method and return the seconds since it was started."""
    called = asyncio.ensure_future(crowd.telegram.until_called(method))
    ended = asyncio.ensure_future(bot.wait())
    try:
        await asyncio.wait({called, ended}, timeout=_READY_WITHIN, return_when=asyncio.FIRST_COMPLETED)
        if not called.done():
            raise MeasuringError(f"the bot did not come to {method}:\n{bot.said()}")
        return called.result() - bot.started
    finally:
        called.cancel()
        ended.cancel()


def find_free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
