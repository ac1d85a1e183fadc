"""Programs of this machine, run without blocking the event loop and always ended."""

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

_GRACE = 0.3  # seconds between asking a program to end and ending it
_REAPING = 5.0  # seconds: longer only if the kernel cannot end it (a dead network disk)


class ProgramError(Exception):
    """A program could not be run to its end. The message names the program and the reason, for the log."""


class ProgramMissingError(ProgramError):
    """The program does not exist, or may not be started."""


class ProgramTimedOutError(ProgramError):
    """The program exceeded its time limit and was killed."""


@dataclass(frozen=True, slots=True)
class Completed:
    """The result of a program. `returncode` is negative if a signal killed it, as in `subprocess`."""

    returncode: int
    stdout: bytes
    stderr: bytes


async def run(
    argv: Sequence[str | Path], *, timeout: float, stdin: bytes | None = None, max_output: int = 256 * 1024
) -> Completed:
    """Run a program, without a shell, for at most `timeout` seconds.

    At most `max_output` bytes of each output are kept: the head of stdout, and the tail of stderr, which contains the
    reason for a failure. The program leads a separate process group, which is always killed at the end. Raises
    `ProgramMissingError` and `ProgramTimedOutError`.
    """
    transport, output = await _start_whole(argv, max_output, fed=stdin is not None)
    try:
        if stdin is not None:
            _feed(transport, stdin)
        async with asyncio.timeout(timeout):
            await output.ended.wait()
        return Completed(transport.get_returncode() or 0, bytes(output.stdout), bytes(output.stderr))
    except TimeoutError as error:
        raise ProgramTimedOutError(f"{Path(argv[0]).name} did not end within {timeout:g} s") from error
    finally:
        await _end(transport, output)


class _Output(asyncio.SubprocessProtocol):
    """Keeps the output up to the limit. It never stops reading: a full pipe would block the program."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.stdout = bytearray()
        self.stderr = bytearray()
        self.exited = asyncio.Event()
        self.ended = asyncio.Event()  # has exited, and everything is read

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 1:
            self.stdout += data[: max(0, self._limit - len(self.stdout))]
        else:
            self.stderr += data
            del self.stderr[: max(0, len(self.stderr) - self._limit)]

    def process_exited(self) -> None:
        self.exited.set()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.ended.set()


async def _start_whole(
    argv: Sequence[str | Path], max_output: int, *, fed: bool
) -> tuple[asyncio.SubprocessTransport, _Output]:
    """Start a program even if cancelled meanwhile: in that case it is ended like any other.

    asyncio itself, cancelled in the middle of a start, kills only the leader of the group and waits until all its pipes
    are closed, which may never happen (3.11: `_make_subprocess_transport`).
    """
    starting = asyncio.create_task(_start(argv, max_output, fed=fed))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        ending = asyncio.create_task(_end_started(starting))
        await asyncio.shield(ending)
        raise


async def _end_started(starting: asyncio.Task[tuple[asyncio.SubprocessTransport, _Output]]) -> None:
    with suppress(ProgramError):
        await _end(*await starting)


async def _start(
    argv: Sequence[str | Path], max_output: int, *, fed: bool
) -> tuple[asyncio.SubprocessTransport, _Output]:
    # `create_subprocess_exec` is made of the same, but hides the transport: then nothing could close a pipe that a
    # process which has left the group holds open.
    try:
        transport, output = await asyncio.get_running_loop().subprocess_exec(
            lambda: _Output(max_output),
            *argv,
            stdin=asyncio.subprocess.PIPE if fed else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise ProgramMissingError(f"{argv[0]} cannot be started: {error.strerror or error}") from error
    return transport, output


def _feed(transport: asyncio.SubprocessTransport, data: bytes) -> None:
    # uvloop's transports do not inherit from asyncio's, so `isinstance` would not know them.
    pipe = cast("asyncio.WriteTransport", transport.get_pipe_transport(0))
    # A program may end, or close its input, before it has read everything: that is its right.
    if not pipe.is_closing():
        pipe.write(data)
        pipe.close()  # once everything is written


async def _end(transport: asyncio.SubprocessTransport, output: _Output) -> None:
    try:
        if transport.get_returncode() is None:
            _signal(transport, signal.SIGTERM)
            await _wait(output.exited, _GRACE)
    finally:
        # Also after a clean end: what the program has left running in its group ends with it.
        _signal(transport, signal.SIGKILL)
        try:
            await _wait(output.exited, _REAPING)
        finally:
            transport.close()


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)


def _signal(transport: asyncio.SubprocessTransport, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(transport.get_pid(), number)
