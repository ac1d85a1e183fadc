"""How much longer our transcoding takes than ffmpeg alone, and what it costs in memory and loop time.

Not a part of `make bench`'s plan of bots: `python -m bench.transcode` runs it, `measure` is for a plan.
"""

import asyncio
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.bots import MeasuringError
from bench.report import Bar, Row, Section, format_section
from beseda.audio.ffmpeg import Ffmpeg, find_ffmpeg

_MINUTES = 10
_TIMES = 4
_SPEECH = ("-ac", "1", "-ar", "16000", "-c:a", "libopus", "-application", "voip", "-b:a", "24k")


class Cost(NamedTuple):
    """What a transcoding took, in seconds by the clock and of a processor."""

    wall: float
    cpu: float


async def measure(folder: Path, cores: set[int]) -> Section:
    """Measure the way of a recording beside the ffmpeg call that a person would write."""
    del cores  # ffmpeg has one thread either way
    source = folder / "talk.mp3"
    await asyncio.to_thread(_make_recording, source)
    ours, alone, gaps = list[Cost](), list[Cost](), [0.0]
    for number in range(_TIMES):
        # By turns, so that what else the machine does meets both.
        with _measuring(alone):
            await asyncio.to_thread(_call, "-i", source, *_SPEECH, folder / f"alone-{number}.ogg")
        async with _Ticker() as ticker:
            with _measuring(ours):
                await _run_ours(source, folder / f"ours-{number}.ogg")
        gaps += ticker.gaps
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows = [
        _row(f"{_MINUTES} minutes of MP3", [cost.wall for cost in ours], [cost.wall for cost in alone]),
        _row("processor time for them", [cost.cpu for cost in ours], [cost.cpu for cost in alone]),
        Row("longest stop of the event loop", "ms", max(gaps) * 1000, bar=Bar(most=100)),
        Row("memory of this process at most", "MiB", own),
    ]
    return Section("Transcoding", f"best of {_TIMES}, reference: ffmpeg alone, same codec and rate", rows)


def _row(name: str, ours: list[float], alone: list[float]) -> Row:
    # The best: what else runs on the machine only ever makes it longer.
    return Row(name, "s", min(ours), min(alone), Bar(ratio=1.1))


async def _run_ours(source: Path, target: Path) -> None:
    ffmpeg = Ffmpeg(find_ffmpeg(), asyncio.Semaphore(1))
    sound = await ffmpeg.probe(source)
    await ffmpeg.transcode_speech(source, target, sound, max_seconds=4 * 3600, listener=lambda _: None)


@contextmanager
def _measuring(costs: list[Cost]) -> Iterator[None]:
    started, before = time.perf_counter(), _processor_time()
    yield
    costs.append(Cost(time.perf_counter() - started, _processor_time() - before))


def _processor_time() -> float:
    """Return the processor time of this process and of the programs that it ran, in seconds."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _make_recording(target: Path) -> None:
    """Write noise shaped like speech: what is in it hardly changes how long it takes."""
    sound = "anoisesrc=color=pink:sample_rate=44100,tremolo=f=4:d=0.9,bandpass=f=800:w=1200"
    _call("-f", "lavfi", "-i", sound, "-t", str(_MINUTES * 60), "-c:a", "libmp3lame", "-b:a", "64k", target)


def _call(*arguments: str | Path) -> None:
    command = [str(find_ffmpeg()), "-v", "error", "-nostdin", "-y", *map(str, arguments)]
    if subprocess.run(command, timeout=300, check=False).returncode != 0:
        raise MeasuringError(f"ffmpeg did not do {arguments[-1]}")


class _Ticker:
    """Looks every few milliseconds whether the loop still turns."""

    _PACE = 0.005

    def __init__(self) -> None:
        self.gaps: list[float] = []

    async def __aenter__(self) -> "_Ticker":
        self._task = asyncio.create_task(self._tick())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _tick(self) -> None:
        while True:
            started = time.perf_counter()
            await asyncio.sleep(self._PACE)
            self.gaps.append(time.perf_counter() - started - self._PACE)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="beseda-bench-") as folder:
        section = asyncio.run(measure(Path(folder), set()))
    print(format_section(section))
    sys.exit(0 if all(row.is_kept for row in section.rows) else 1)


if __name__ == "__main__":
    main()
