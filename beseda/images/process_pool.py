"""Process pool for pictures: each is opened in a separate process, a few at a time, with a time-out."""

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from beseda.core.errors import BesedaError, PhotoTooLargeError, ToolError, UnreadablePhotoError, UnsupportedPhotoError
from beseda.core.ids import new_id
from beseda.core.subprocesses import Completed, ProgramError, run
from beseda.images.base import MAX_SIDE_GFPGAN

SLOTS: Final = 2
SECONDS: Final = 60.0  # 25 million pixels take a tenth of it
MEMORY: Final = 1024**3  # bytes of address space for one picture
_FORMATS: Final = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP"}
_REFUSALS: Final[Mapping[str, type[BesedaError]]] = {
    kind.__name__: kind for kind in (UnreadablePhotoError, PhotoTooLargeError, UnsupportedPhotoError, ToolError)
}


@dataclass(frozen=True, slots=True)
class PoolResult:
    """A picture that was written: its size in pixels, and how many times it is, or is to be, enlarged."""

    width: int
    height: int
    scale: int


class ImageProcessPool:
    """Opens, enhances and writes pictures; also a `PhotoComparer`.

    Every method writes `target` whole or not at all, and raises `UnreadablePhotoError`, `PhotoTooLargeError`,
    `UnsupportedPhotoError`, or `ToolError` if the fault is this machine's. Cancelled, it ends the process.
    """

    def __init__(self, slots: asyncio.Semaphore | None = None, timeout: float = SECONDS, memory: int = MEMORY) -> None:
        self._slots = slots or asyncio.Semaphore(SLOTS)
        self._timeout = timeout
        self._memory = memory

    async def enhance(self, source: Path, target: Path, scale: int | None) -> PoolResult:
        """Write `source` with less noise, fuller contrast and sharper edges, `scale` times larger.

        Without a scale: four times below 256 pixels, else twice; not enlarged if twice would have too many pixels.
        """
        return await self._work("enhance", target, {"source": source, "scale": scale})

    async def prepare(self, source: Path, target: Path, scale: int | None) -> PoolResult:
        """Write `source` as GFPGAN is to get it: upright, RGB, of sides that it takes; and choose the scale."""
        return await self._work("prepare", target, {"source": source, "scale": scale, "max_side": MAX_SIDE_GFPGAN})

    async def finish(self, source: Path, target: Path, *, like: Path) -> PoolResult:
        """Write a back-end's result for `like`, a prepared photo, in the format of `target`."""
        return await self._work("finish", target, {"source": source, "like": like})

    async def compare(self, before: Path, after: Path, target: Path) -> None:
        """Write one picture with `before` on the left and `after` on the right."""
        await self._work("compare", target, {"before": before, "after": after})

    async def _work(self, task: str, target: Path, order: Mapping[str, object]) -> PoolResult:
        kind = _FORMATS.get(target.suffix.lower())
        if kind is None:
            raise ValueError(f"a photo is written as {', '.join(_FORMATS)}, not as {target.suffix or 'nothing'}")
        part = target.with_name(f".{new_id()}.part")
        order = {**order, "task": task, "target": part, "format": kind, "memory": self._memory}
        try:
            async with self._slots:
                report = await self._order(order)
            part.replace(target)
        except OSError as error:
            raise ToolError(f"{target.name} cannot be written: {error.strerror or error}") from error
        finally:
            part.unlink(missing_ok=True)
        return PoolResult(report["width"], report["height"], report.get("scale", 1))

    async def _order(self, order: Mapping[str, object]) -> dict[str, int]:
        argv = [sys.executable, "-P", "-m", "beseda.images._worker"]
        try:
            completed = await run(argv, timeout=self._timeout, stdin=orjson.dumps(order, default=str))
        except ProgramError as error:
            raise ToolError(f"a photo could not be worked on: {error}") from error
        return _read_report(completed)


def _read_report(completed: Completed) -> dict[str, int]:
    try:
        report = orjson.loads(completed.stdout)
    except orjson.JSONDecodeError as error:
        said = completed.stderr.decode(errors="replace").strip().splitlines()
        raise ToolError(f"the process of a photo ended with {completed.returncode}: {said[-1:]}") from error
    if "error" in report:
        raise _REFUSALS[report["error"]](report["detail"])
    return dict(report)
