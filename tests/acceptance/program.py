"""`beseda` as a process: called as from a shell, in a folder and an environment of its own."""

import asyncio
import os
import re
import resource
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from beseda.testing.database import make_database

PROGRAM = str(Path(sys.executable).with_name("beseda"))
_ADDRESS = re.compile(r"http://[\w.:\[\]]+")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The one line a failure is told in; fails the test where there is none, more, or a traceback."""
        assert "Traceback" not in self.err, self.err
        lines = [line for line in self.err.splitlines() if line.startswith("beseda: ")]
        assert len(lines) == 1, self.err
        assert lines[0] == self.err.splitlines()[-1]
        return lines[0]


@dataclass(slots=True)
class Service:
    """A command that serves until it is told to stop."""

    process: asyncio.subprocess.Process
    url: str
    log: Path

    async def stop(self, how: signal.Signals = signal.SIGTERM, *, within: float = 30.0) -> int:
        """Send a signal and return the exit code."""
        if self.process.returncode is None:
            self.process.send_signal(how)
        return await asyncio.wait_for(self.process.wait(), within)


class Program:
    """Calls `beseda` in one folder."""

    def __init__(self, folder: Path, environ: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self._started: list[asyncio.subprocess.Process] = []
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ["HOME"],
            "LANG": "C.UTF-8",
            "BESEDA_MODEL": "demo",
            **(environ or {}),
        }

    def with_environ(self, **environ: str) -> "Program":
        """Return the same program with more variables set."""
        program = Program(self.folder, {**self.environ, **environ})
        program._started = self._started
        return program

    async def close(self) -> None:
        """Kill what a failed test has left running."""
        for process in self._started:
            if process.returncode is None:
                process.kill()
                await process.communicate()

    async def __call__(self, *arguments: str, stdin: bytes = b"", program: tuple[str, ...] = (PROGRAM,)) -> Outcome:
        """Run a command to its end; what takes longer than two minutes fails the test."""
        process = await self.spawn(*arguments, program=program)
        async with asyncio.timeout(120):
            out, err = await process.communicate(stdin)
        assert process.returncode is not None
        return Outcome(process.returncode, out.decode(), err.decode())

    async def spawn(
        self, *arguments: str, program: tuple[str, ...] = (PROGRAM,), piped: bool = True
    ) -> asyncio.subprocess.Process:
        """Start a command with its streams in hand; stdin is empty unless it is `piped`."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *program,
            *arguments,
            cwd=self.folder,
            env=self.environ,
            stdin=pipe if piped else asyncio.subprocess.DEVNULL,
            stdout=pipe,
            stderr=pipe,
        )
        self._started.append(process)
        return process

    @asynccontextmanager
    async def serve(self, *arguments: str, port: int = 0, fresh: bool = False) -> AsyncIterator[Service]:
        """Run a serving command for the length of the block, from its address on; it is killed afterwards.

        `fresh` leaves the database to the command: the migrations of a first start take half a second.
        """
        own = not {"DATABASE_URL", "STORAGE_DIR"} & self.environ.keys()
        if own and not fresh and arguments[0] in {"run", "api", "bot"}:
            await make_database(self.folder / "data" / "beseda.db")
        log = self.folder / f"{arguments[0]}.log"
        with log.open("ab") as stderr:
            process = await asyncio.create_subprocess_exec(
                *(PROGRAM, *arguments, "--port", str(port)),
                cwd=self.folder,
                env=self.environ,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=stderr,
            )
        try:
            yield Service(process, await _read_address(process, log), log)
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()


async def measure(command: Awaitable[Outcome]) -> float:
    """Return the CPU seconds of a command: they depend little on what else runs on the machine."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert (await command).code == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


async def _read_address(process: asyncio.subprocess.Process, log: Path) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(120):
        while line := (await process.stdout.readline()).decode():
            if match := _ADDRESS.search(line):
                return match[0]
    raise AssertionError(f"it ended without an address: {await asyncio.to_thread(log.read_text)}")
