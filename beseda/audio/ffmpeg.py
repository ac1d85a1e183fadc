"""ffmpeg as a subprocess. The files are untrusted: the inputs it may open are listed, and its output is bounded."""

import asyncio
import re
import shutil
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from beseda.audio import _command
from beseda.audio.base import AudioSpan, Listener, NoSoundError, Recording, RecordingTooLongError, Sound
from beseda.core.errors import ToolError, UnreadableAudioError
from beseda.core.foreign_json import load_json
from beseda.core.subprocesses import Completed, ProgramError, run

MAX_SECONDS = 4 * 3600
MAX_BYTES = 25_000_000  # what recognisers take in one request

_CODEC = re.compile(rb"Stream #0:\d+.*?: Audio: (\w+)")
_LOOKING = 60.0  # seconds that probing, or a window of silence, may take
_SLOWEST = 20  # seconds of speech a second: a fifth of what one core does
_LOOK_AGAIN = 0.5  # seconds between two looks at the progress
_OVERHEAD = 1.15  # of what the bit rate says: variable rate, and the container
_REPORT_TAIL = 2048  # bytes: a report of progress is a few hundred


def find_ffmpeg() -> Path:
    """Return the system's ffmpeg, or else the one of imageio-ffmpeg.

    Raise `ToolError` with the command that installs it.
    """
    if found := shutil.which("ffmpeg"):
        return Path(found)
    with suppress(ImportError, RuntimeError):
        import imageio_ffmpeg  # noqa: PLC0415 - only machines without ffmpeg pay for it

        carried = Path(imageio_ffmpeg.get_ffmpeg_exe())
        if carried.is_file():
            return carried
    raise ToolError("there is no ffmpeg: install it (apt-get install ffmpeg, brew install ffmpeg)")


def find_ffprobe(ffmpeg: Path) -> Path | None:
    """Return the ffprobe beside `ffmpeg`, or None if there is none, as with imageio-ffmpeg."""
    beside = ffmpeg.with_name("ffprobe")
    return beside if beside.is_file() else None


@dataclass(frozen=True, slots=True)
class _FfmpegRun:
    source: Path
    target: Path
    max_seconds: float
    max_bytes: int
    timeout: float


class Ffmpeg:
    """An `AudioTranscoder` and an `AudioWorkshop`.

    `slots` bounds the number of parallel runs, `timeout` is the seconds that each may take; a long recording gets more
    by its length. One core transcodes speech about a hundred times faster than it was spoken. With `gentle`, long
    recordings run at a lower priority, for a bot that answers other people meanwhile. Without a `path` the program is
    searched at each use, and its absence is a `ToolError`: the bots run without it.
    """

    def __init__(
        self,
        path: Path | None,
        slots: asyncio.Semaphore,
        timeout: float = 300.0,
        *,
        max_seconds: float = MAX_SECONDS,
        gentle: bool = False,
    ) -> None:
        self._given = path
        self._gently = [nice, "-n", "10"] if gentle and (nice := shutil.which("nice")) else []
        self._slots = slots
        self._timeout = timeout
        self._max_seconds = max_seconds

    @property
    def _path(self) -> Path:
        return self._given or find_ffmpeg()

    async def transcode_voice(self, source: Path, target: Path) -> Recording:
        """Write the sound of `source` to `target`, mono at 16 kHz, never larger than it came unless it is tiny.

        Raises `UnreadableAudioError`, `RecordingTooLongError` and `ToolError`.
        """
        async with self._making(source, target) as original, self._slots:
            recording, codec = await self._encode(source, target, _command.encoder(target))
            if recording.size > original:
                thrifty = _command.thrifty(target, codec, original, recording.seconds)
                recording, _ = await self._encode(source, target, thrifty)
        return recording

    async def probe(self, source: Path) -> Sound:
        """Return the description of `source`, by its content. Raise `UnreadableAudioError` and `ToolError`."""
        try:
            size = _measure(source)
        except OSError as error:
            raise _cannot_read(source, error) from error
        async with self._slots:
            if (ffprobe := find_ffprobe(self._path)) is not None:
                completed = await self._run([ffprobe, *_command.probing(source)], _LOOKING)
                if completed.returncode != 0:
                    raise _command.explain(completed, "ffprobe")
                return read_probe(completed.stdout, source, size)
            # Without an output ffmpeg tells of its input, and ends with 1.
            completed = await self._run([self._path, *_command.reading(source, limit=1)], _LOOKING)
        if b"Input #0" not in completed.stderr:
            raise _command.explain(completed)
        return read_opening(completed.stderr, source, size)

    async def transcode_speech(
        self, source: Path, target: Path, sound: Sound, *, max_seconds: float, listener: Listener | None = None
    ) -> Recording:
        """Write the sound of a long `source` to `target`, at 24 kb/s or less.

        `listener` is called with the seconds that are done. Raise `UnreadableAudioError`, `RecordingTooLongError` and
        `ToolError`.
        """
        report = target.with_suffix(".progress")
        try:
            async with self._making(source, target), self._slots, _watching(report, listener):
                return await self._encode_long(source, target, sound, max_seconds)
        finally:
            _remove(report)

    async def find_silences(self, source: Path, window: AudioSpan) -> Sequence[AudioSpan]:
        """Return the silences within a window. Raises `UnreadableAudioError` and `ToolError`."""
        return await self._listen(source, window, strict=False)

    async def find_sound(self, source: Path, window: AudioSpan) -> Sequence[AudioSpan]:
        """Return the stretches of a window that are loud enough for speech.

        Raise `UnreadableAudioError` and `ToolError`.
        """
        edges = [window.start]
        for silence in await self._listen(source, window, strict=True):
            edges += [silence.start, silence.end]
        pairs = zip(edges[::2], [*edges[1::2], window.end], strict=True)
        return [AudioSpan(start, end) for start, end in pairs if end > start]

    async def _listen(self, source: Path, window: AudioSpan, *, strict: bool) -> Sequence[AudioSpan]:
        async with self._slots:
            completed = await self._run([self._path, *_command.listening(source, window, strict=strict)], _LOOKING)
        if completed.returncode != 0:
            raise _command.explain(completed)
        return _command.parse_silences(completed.stderr, window)

    async def cut(self, source: Path, target: Path, span: AudioSpan) -> Recording:
        """Copy a stretch of `source` to `target`, to the packet of 20 ms. Raises as `transcode_speech` does."""
        async with self._making(source, target) as original, self._slots:
            writing = _command.writing(target, max_bytes=original + 65_536)
            argv = [*_command.reading(source, limit=span.seconds, start=span.start), "-c:a", "copy", *writing]
            return _judge(await self._run([self._path, *argv], self._timeout), target)

    async def _encode(self, source: Path, target: Path, encoder: list[str]) -> tuple[Recording, str]:
        # A second more than is allowed: what goes on beyond the limit shows itself.
        reading = _command.reading(source, limit=self._max_seconds + 1)
        argv = [*reading, *encoder, *_command.writing(target, max_bytes=MAX_BYTES)]
        completed = await self._run([self._path, *argv], self._timeout)
        recording = _judge(completed, target)
        # Cut off by our own limits: half an answer that looks whole would be worse than none.
        if recording.seconds > self._max_seconds + 0.5 or recording.size >= MAX_BYTES:
            raise RecordingTooLongError(f"more than {self._max_seconds:g} s or {MAX_BYTES} bytes of speech")
        codec = _CODEC.search(completed.stderr)
        return recording, codec[1].decode() if codec else ""

    async def _encode_long(self, source: Path, target: Path, sound: Sound, max_seconds: float) -> Recording:
        max_bytes = int(max_seconds * _command.VOICE_KBPS * 125 * _OVERHEAD) + 65_536
        expected = min(max_seconds, sound.seconds or max_seconds)
        job = _FfmpegRun(source, target, max_seconds, max_bytes, max(self._timeout, expected / _SLOWEST))
        encoder = _command.choose_encoder(target, sound)
        recording = await self._encode_once(job, encoder)
        # A header may lie about the length: then a copy is larger than speech needs to be.
        if "copy" in encoder and recording.size > recording.seconds * _command.VOICE_KBPS * 125 * _OVERHEAD:
            recording = await self._encode_once(job, _command.encoder(target))
        if recording.seconds > max_seconds + 0.5 or recording.size >= max_bytes:
            raise RecordingTooLongError(f"more than {max_seconds:g} s of speech")
        return recording

    async def _encode_once(self, job: "_FfmpegRun", encoder: list[str]) -> Recording:
        report = job.target.with_suffix(".progress")
        reading = _command.reading(job.source, limit=job.max_seconds + 1)
        writing = _command.writing(job.target, max_bytes=job.max_bytes, progress=f"file:{report.absolute()}")
        completed = await self._run([*self._gently, self._path, *reading, *encoder, *writing], job.timeout)
        return _judge(completed, job.target, _read_tail(report))

    @asynccontextmanager
    async def _making(self, source: Path, target: Path) -> AsyncGenerator[int, None]:
        """Yield the size of `source`, and delete a partial `target` if the block fails."""
        try:
            yield _measure(source)
        except OSError as error:
            _remove(target)
            raise _cannot_read(source, error) from error
        except BaseException:
            _remove(target)
            raise

    async def _run(self, argv: Sequence[str | Path], timeout: float) -> Completed:
        try:
            return await run(argv, timeout=timeout)
        except ProgramError as error:
            raise ToolError(str(error)) from error


@asynccontextmanager
async def _watching(report: Path, listener: Listener | None) -> AsyncGenerator[None, None]:
    """Call `listener` regularly while the block runs, with the seconds of ffmpeg's progress report."""
    if listener is None:
        yield
        return
    watcher = asyncio.create_task(_watch(report, listener))
    try:
        yield
    finally:
        watcher.cancel()
        with suppress(asyncio.CancelledError):
            await watcher


async def _watch(report: Path, listener: Listener) -> None:
    while True:
        await asyncio.sleep(_LOOK_AGAIN)
        if (seconds := _command.parse_seconds(_read_tail(report))) > 0:
            listener(seconds)


def _judge(completed: Completed, target: Path, progress: bytes | None = None) -> Recording:
    if failure := _command.find_failure(completed):
        raise failure
    seconds = _command.parse_seconds(completed.stdout if progress is None else progress)
    size = _measure(target)
    if seconds <= 0 or size == 0:
        raise UnreadableAudioError("ffmpeg found no sound in the file")
    return Recording(seconds, size)


def _read_tail(path: Path) -> bytes:
    with suppress(OSError), path.open("rb") as file:
        file.seek(max(0, file.seek(0, 2) - _REPORT_TAIL))
        return file.read(_REPORT_TAIL)
    return b""


def _cannot_read(source: Path, error: OSError) -> ToolError:
    return ToolError(f"{source.name} cannot be read: {error.strerror or error}")


def _measure(path: Path) -> int:
    return path.stat().st_size


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


_INPUT = re.compile(r"^Input #0, (\S+), from", re.MULTILINE)
_DURATION = re.compile(r"^\s*Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)", re.MULTILINE)
_STREAM = re.compile(r"Stream #0:\d+.*?: Audio: (\w+)")


def read_probe(answer: bytes, source: Path, size: int) -> Sound:
    """Return the description in ffprobe's JSON. Raise `NoSoundError` if there is no sound, `ToolError` if it is not
    JSON.
    """
    try:
        told = load_json(answer)
    except ValueError as error:
        raise ToolError("ffprobe did not answer in JSON") from error
    streams = [stream for stream in told.get("streams", []) if stream.get("codec_type") == "audio"]
    if not streams:
        raise NoSoundError(f"ffprobe found no sound in {source.name}")
    file = told.get("format", {})
    seconds = _read_number(streams[0].get("duration")) or _read_number(file.get("duration"))
    return Sound(str(file.get("format_name", "")), str(streams[0].get("codec_name", "")), seconds, size)


def read_opening(stderr: bytes, source: Path, size: int) -> Sound:
    """Return ffmpeg's description of its input. Raise `NoSoundError` if there is no sound."""
    text = stderr.decode(errors="replace")
    container, stream = _INPUT.search(text), _STREAM.search(text)
    if container is None or stream is None:
        raise NoSoundError(f"ffmpeg found no sound in {source.name}")
    length = _DURATION.search(text)
    seconds = int(length[1]) * 3600 + int(length[2]) * 60 + float(length[3]) if length else None
    return Sound(container[1], stream[1], seconds or None, size)


def _read_number(value: object) -> float | None:
    with suppress(TypeError, ValueError):
        number = float(str(value))
        return number if 0 < number < float("inf") else None
    return None
