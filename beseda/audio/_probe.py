"""Description of a recording by its content: ffprobe's JSON, or the lines that ffmpeg prints when it opens a file."""

import re
from contextlib import suppress
from pathlib import Path

from beseda.audio.base import NoSoundError, Sound
from beseda.core.errors import ToolError
from beseda.core.foreign_json import load_json

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
