"""Programs are run, bounded, and never left behind."""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from beseda.core.subprocesses import ProgramMissingError, ProgramTimedOutError, run

# Writes its own id and its child's; neither of them listens to SIGTERM.
_STUBBORN = """trap '' TERM; sleep 600 & echo "$$ $!" > "$0.new"; mv "$0.new" "$0"; wait"""


def _python(code: str) -> list[str]:
    return [sys.executable, "-S", "-c", code]


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - other processes raise no events
            await asyncio.sleep(0.01)


def _is_running(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


async def test_run_of_a_program_gives_code_and_both_outputs() -> None:
    completed = await run(_python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"), timeout=20)
    assert (completed.returncode, completed.stdout, completed.stderr) == (3, b"out\n", b"err\n")


async def test_run_feeds_more_than_a_pipe_holds() -> None:
    data = os.urandom(500_000)
    completed = await run(["cat"], timeout=20, stdin=data, max_output=1_000_000)
    assert completed.stdout == data


async def test_run_without_stdin_does_not_wait_for_it() -> None:
    assert (await run(["cat"], timeout=20)).stdout == b""


async def test_run_of_a_program_that_does_not_read_its_input() -> None:
    assert (await run(["true"], timeout=20, stdin=b"x" * 500_000)).returncode == 0


async def test_run_keeps_the_head_of_stdout_and_the_tail_of_stderr() -> None:
    code = "import sys; s = 'start' + 'x' * 300000 + 'end'; sys.stdout.write(s); sys.stderr.write(s)"
    completed = await run(_python(code), timeout=20, max_output=10)
    assert (completed.stdout, completed.stderr) == (b"startxxxxx", b"xxxxxxxend")


async def test_run_of_a_missing_program_names_it() -> None:
    with pytest.raises(ProgramMissingError, match="no-such-program"):
        await run(["no-such-program"], timeout=20)


async def test_run_of_a_file_that_is_no_program(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("not a program")
    with pytest.raises(ProgramMissingError, match="Permission denied"):
        await run([tmp_path / "notes"], timeout=20)


async def test_run_over_time_kills_the_whole_stubborn_group(tmp_path: Path) -> None:
    with pytest.raises(ProgramTimedOutError, match=r"within 1\.5 s"):
        await run(["sh", "-c", _STUBBORN, tmp_path / "pids"], timeout=1.5)
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    await _until(lambda: not any(map(_is_running, pids)))


async def test_run_cancelled_kills_the_whole_stubborn_group(tmp_path: Path) -> None:
    task = asyncio.create_task(run(["sh", "-c", _STUBBORN, tmp_path / "pids"], timeout=60))
    await _until((tmp_path / "pids").exists)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    await _until(lambda: not any(map(_is_running, pids)))


async def test_run_cancelled_while_output_is_pouring_gives_back_its_pipes() -> None:
    before = psutil.Process().num_fds()
    task = asyncio.create_task(run(["yes"], timeout=60, max_output=10))
    await _until(lambda: psutil.Process().num_fds() > before)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await _until(lambda: psutil.Process().num_fds() <= before)


@pytest.mark.parametrize(
    "script",
    ["trap '' TERM; yes", "trap '' TERM; setsid sleep 9 & while :; do sleep 4; done", "setsid sleep 9 & exit 0", "yes"],
)
async def test_run_over_time_ends_soon_whatever_the_program_does(script: str) -> None:
    async with asyncio.timeout(7):
        with pytest.raises(ProgramTimedOutError):
            await run(["sh", "-c", script], timeout=0.3, max_output=10)


@pytest.mark.parametrize("turns", range(1, 9))
async def test_run_cancelled_in_the_middle_of_its_start_leaves_no_process(turns: int) -> None:
    nap = f"600.{os.getpid()}{turns}"  # like no other on this machine
    task = asyncio.create_task(run(["sh", "-c", f"trap '' TERM; sleep {nap} & wait"], timeout=60))
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    async with asyncio.timeout(30):
        await asyncio.wait([task])
    assert task.cancelled()
    await _until(lambda: not any(nap in " ".join(process.info["cmdline"] or ()) for process in _all_processes()))


def _all_processes() -> list[psutil.Process]:
    return list(psutil.process_iter(["cmdline"]))


async def test_run_cancelled_twice_still_kills(tmp_path: Path) -> None:
    task = asyncio.create_task(run(["sh", "-c", _STUBBORN, tmp_path / "pids"], timeout=60))
    await _until((tmp_path / "pids").exists)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    await _until(lambda: not any(map(_is_running, pids)))


def test_run_works_the_same_on_uvloop() -> None:
    uvloop = pytest.importorskip("uvloop")
    data = os.urandom(500_000)

    async def scenario() -> None:
        assert (await run(["cat"], timeout=20, stdin=data, max_output=1_000_000)).stdout == data
        assert (await run(["false"], timeout=20, stdin=data)).returncode == 1
        with pytest.raises(ProgramMissingError):
            await run(["no-such-program"], timeout=20)
        with pytest.raises(ProgramTimedOutError):
            await run(["sh", "-c", "trap '' TERM; yes"], timeout=0.3)

    uvloop.run(scenario())


async def test_run_leaves_the_loop_free() -> None:
    ticks = 0
    task = asyncio.create_task(run(["sleep", "0.3"], timeout=20))
    while not task.done():
        await asyncio.sleep(0.01)
        ticks += 1
    assert ticks > 5
