"""What recordings and photos need of this machine."""

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path

from beseda.audio.base import Listener, Recording, Sound, Span
from beseda.audio.ffmpeg import Ffmpeg, find_ffmpeg
from beseda.errors import ToolError

_FFMPEG_SLOTS = 2


def open_ffmpeg() -> "Ffmpeg | _NoFfmpeg":
    try:
        return Ffmpeg(find_ffmpeg(), asyncio.Semaphore(_FFMPEG_SLOTS))
    except ToolError as error:
        return _NoFfmpeg(error.detail)


class _NoFfmpeg:
    """Stands where ffmpeg is missing: the bots run, and a recording is answered with a plain sentence."""

    def __init__(self, detail: str) -> None:
        self._detail = detail

    async def transcode_voice(self, source: Path, target: Path) -> Recording:
        raise ToolError(self._detail)

    async def probe(self, source: Path) -> Sound:
        raise ToolError(self._detail)

    async def transcode_speech(
        self, source: Path, target: Path, sound: Sound, *, max_seconds: float, listener: Listener | None = None
    ) -> Recording:
        raise ToolError(self._detail)

    async def find_silences(self, source: Path, window: Span) -> Sequence[Span]:
        raise ToolError(self._detail)

    async def cut(self, source: Path, target: Path, span: Span) -> Recording:
        raise ToolError(self._detail)


def empty_folder(folder: Path) -> None:
    """Make the folder for downloads and clear what a crash has left there."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
