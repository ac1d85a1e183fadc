"""Programs of this machine, run without blocking the loop and never left behind."""

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PIECE = 64 * 1024
_GRACE = 0.3  # seconds between asking a program to end and ending it
_LEFTOVERS = 1.0  # seconds for the pipes to run dry once every process of the group is dead


class ProgramError(Exception):
    """A program could not be run to its end; the text says which and why, for the log."""


class ProgramMissingError(ProgramError):
    """There is no such program, or it may not be started."""


class ProgramTimedOutError(ProgramError):
    """The program was still running when its time was up, and was killed."""


@dataclass(frozen=True, slots=True)
class Completed:
    """How a program ended. `returncode` is negative if a signal killed it, as in `subprocess`."""

    returncode: int
    stdout: bytes
    stderr: bytes


async def run(
    argv: Sequence[str | Path], *, timeout: float, stdin: bytes | None = None, max_output: int = 256 * 1024
) -> Completed:
    """Run a program, without a shell, for at most `timeout` seconds.

    Of each output at most `max_output` bytes are kept: the head of stdout, the tail of stderr, where the reason for a
    failure stands. The program leads a process group of its own, which is killed at the end whatever the end is.
    Raises `ProgramMissingError` and `ProgramTimedOutError`.
    """
    process = await _start(argv, stdin)
    try:
        async with asyncio.timeout(timeout):
            return await _converse(process, stdin, max_output)
    except TimeoutError as error:
        raise ProgramTimedOutError(f"{Path(argv[0]).name} did not end within {timeout:g} s") from error
    finally:
        await _end(process)


async def _start(argv: Sequence[str | Path], stdin: bytes | None) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL if stdin is None else asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise ProgramMissingError(f"{argv[0]} cannot be started: {error.strerror or error}") from error


async def _converse(process: asyncio.subprocess.Process, stdin: bytes | None, max_output: int) -> Completed:
    async with asyncio.TaskGroup() as tasks:
        stdout = tasks.create_task(_read_head(process.stdout, max_output))
        stderr = tasks.create_task(_read_tail(process.stderr, max_output))
        if stdin is not None:
            tasks.create_task(_feed(process.stdin, stdin))
        code = tasks.create_task(process.wait())
    return Completed(code.result(), stdout.result(), stderr.result())


async def _feed(stream: asyncio.StreamWriter | None, data: bytes) -> None:
    if stream is None:
        return
    # A program may end, or close its input, before it has read everything: that is its right.
    with suppress(BrokenPipeError, ConnectionResetError):
        stream.write(data)
        await stream.drain()
    stream.close()
    with suppress(BrokenPipeError, ConnectionResetError):
        await stream.wait_closed()


async def _read_head(stream: asyncio.StreamReader | None, limit: int) -> bytes:
    kept = bytearray()
    while stream is not None and (piece := await stream.read(_PIECE)):
        kept += piece[: max(0, limit - len(kept))]
    return bytes(kept)


async def _read_tail(stream: asyncio.StreamReader | None, limit: int) -> bytes:
    kept = bytearray()
    while stream is not None and (piece := await stream.read(_PIECE)):
        kept += piece
        del kept[: max(0, len(kept) - limit)]
    return bytes(kept)


async def _end(process: asyncio.subprocess.Process) -> None:
    try:
        if process.returncode is None:
            _signal(process, signal.SIGTERM)
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), _GRACE)
    finally:
        # Also after a clean end: what the program has left running in its group ends with it.
        _signal(process, signal.SIGKILL)
    await process.wait()
    with suppress(TimeoutError):
        async with asyncio.timeout(_LEFTOVERS):
            # Unread output would keep the pipes open, and with them our file descriptors.
            await asyncio.gather(_read_head(process.stdout, 0), _read_head(process.stderr, 0))


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
