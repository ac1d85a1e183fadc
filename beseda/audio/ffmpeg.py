"""ffmpeg as a subprocess. The files come from strangers: what it may open is listed, what it may write is bounded."""

import asyncio
import re
import shutil
from contextlib import suppress
from pathlib import Path

from beseda.audio.base import Recording
from beseda.errors import FileTooLargeError, ToolError, UnreadableAudioError
from beseda.kit.subprocesses import Completed, ProgramError, run

MAX_SECONDS = 4 * 3600
MAX_BYTES = 25_000_000  # what recognisers take in one request

_VOICE_KBPS = 24
_FEWEST_KBPS = {".ogg": 6, ".mp3": 8}
# No playlists (hls, concat, dash): those read other files of this machine in the name of the one we were given.
_DEMUXERS = "ogg,mov,mp3,wav,w64,flac,aac,amr,matroska,asf,aiff,caf,avi,mpegts,au"
# What ffmpeg says when the fault is ours. Anything else that ends it is the file's.
_OUR_FAULT = re.compile(
    rb"No space left|Permission denied|No such file|Too many open files|Input/output error|Cannot allocate memory"
    rb"|Unknown (en|de)coder|Unrecognized option|Option not found|error while loading shared libraries"
)
_CODEC = re.compile(rb"Stream #0:\d+.*?: Audio: (\w+)")
_OUT_TIME = re.compile(rb"^out_time_us=(\d+)", re.MULTILINE)


def find_ffmpeg() -> Path:
    """Return the system's ffmpeg, or else the one that imageio-ffmpeg carries.

    Raises `ToolError` that names what to install.
    """
    if found := shutil.which("ffmpeg"):
        return Path(found)
    with suppress(ImportError, RuntimeError):
        import imageio_ffmpeg  # noqa: PLC0415 - only machines without ffmpeg pay for it

        carried = Path(imageio_ffmpeg.get_ffmpeg_exe())
        if carried.is_file():
            return carried
    raise ToolError("there is no ffmpeg: install it (apt-get install ffmpeg, brew install ffmpeg)")


class Ffmpeg:
    """An `AudioTranscoder`. `slots` bounds how many run at once, `timeout` is the seconds that each may take.

    One core makes speech about a hundred times faster than it was spoken.
    """

    def __init__(
        self, path: Path, slots: asyncio.Semaphore, timeout: float = 300.0, *, max_seconds: float = MAX_SECONDS
    ) -> None:
        self._path = path
        self._slots = slots
        self._timeout = timeout
        self._max_seconds = max_seconds

    async def transcode_voice(self, source: Path, target: Path) -> Recording:
        """Write the sound of `source` to `target`, mono at 16 kHz, never larger than it came unless it is tiny.

        Raises `UnreadableAudioError`, `FileTooLargeError` and `ToolError`.
        """
        try:
            original = _measure(source)
            async with self._slots:
                recording, codec = await self._encode(source, target, _encoder(target, _VOICE_KBPS))
                if recording.size > original:
                    recording, _ = await self._encode(source, target, _thrifty(target, codec, original, recording))
        except OSError as error:
            _remove(target)
            raise ToolError(f"{source.name} cannot be read: {error.strerror or error}") from error
        except BaseException:
            _remove(target)
            raise
        return recording

    async def _encode(self, source: Path, target: Path, encoder: list[str]) -> tuple[Recording, str]:
        argv: list[str | Path] = [self._path, *_reading(source, self._max_seconds), *encoder, *_writing(target)]
        try:
            completed = await run(argv, timeout=self._timeout)
        except ProgramError as error:
            raise ToolError(str(error)) from error
        if completed.returncode != 0:
            raise _explain(completed)
        seconds, size = _parse_seconds(completed.stdout), _measure(target)
        if seconds <= 0 or size == 0:
            raise UnreadableAudioError("ffmpeg found no sound in the file")
        # Cut off by our own limits: half an answer that looks whole would be worse than none.
        if seconds > self._max_seconds + 0.5 or size >= MAX_BYTES:
            raise FileTooLargeError(f"more than {self._max_seconds:g} s or {MAX_BYTES} bytes of speech")
        codec = _CODEC.search(completed.stderr)
        return Recording(seconds, size), codec[1].decode() if codec else ""


def _reading(source: Path, max_seconds: float) -> list[str]:
    quiet = ["-hide_banner", "-nostdin", "-nostats", "-loglevel", "info"]
    limits = [
        "-protocol_whitelist",
        "file,pipe",
        "-format_whitelist",
        _DEMUXERS,
        "-threads",
        "1",
        "-t",
        f"{MAX_SECONDS}",
    ]
    return [*quiet, *limits, "-i", f"file:{source.absolute()}"]


def _writing(target: Path) -> list[str]:
    chosen = ["-map", "0:a:0", "-vn", "-sn", "-dn", "-map_metadata", "-1", "-map_chapters", "-1"]
    limits = ["-threads", "1", "-filter_threads", "1", "-fs", f"{MAX_BYTES}"]
    report = ["-progress", "pipe:1", "-stats_period", "10"]
    return [*chosen, *limits, *report, "-y", "-f", target.suffix.removeprefix("."), f"file:{target.absolute()}"]


def _encoder(target: Path, kbps: int) -> list[str]:
    if target.suffix not in _FEWEST_KBPS:
        raise ToolError(f"speech is written as .ogg or .mp3, not as {target.suffix or 'a file without a suffix'}")
    codec = ["libopus", "-application", "voip"] if target.suffix == ".ogg" else ["libmp3lame"]
    return ["-ac", "1", "-ar", "16000", "-c:a", *codec, "-b:a", f"{kbps}k"]


def _thrifty(target: Path, codec: str, original: int, recording: Recording) -> list[str]:
    """Return an encoder for a recording that came smaller than we would make it."""
    if codec == "opus" and target.suffix == ".ogg":
        return ["-c:a", "copy"]
    kbps = int(original * 8 / recording.seconds / 1000 * 0.9)
    return _encoder(target, min(_VOICE_KBPS, max(_FEWEST_KBPS[target.suffix], kbps)))


def _explain(completed: Completed) -> ToolError | UnreadableAudioError:
    tail = completed.stderr[-600:].decode(errors="replace").strip()
    detail = f"ffmpeg ended with {completed.returncode}: {tail}"
    if completed.returncode < 0 or _OUR_FAULT.search(completed.stderr):
        return ToolError(detail)
    return UnreadableAudioError(detail)


def _parse_seconds(progress: bytes) -> float:
    times = _OUT_TIME.findall(progress)
    return int(times[-1]) / 1_000_000 if times else 0.0


def _measure(path: Path) -> int:
    return path.stat().st_size


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
