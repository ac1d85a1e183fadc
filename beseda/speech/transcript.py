"""Transcripts of recordings, with times."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Segment:
    """A few words and their times, in seconds from the start of the recording."""

    start: float
    end: float
    text: str


@dataclass(frozen=True, slots=True)
class MissedPart:
    """A stretch of the recording that could not be transcribed; `reason` is the error's kind, for the log."""

    start: float
    end: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Transcript:
    """The text of a recording. `seconds` is the length of the recording, or None if unknown.

    `segments` are there if the service reports times; `missed` are the stretches missing from the text.
    """

    text: str
    seconds: float | None = None
    segments: tuple[Segment, ...] = ()
    missed: tuple[MissedPart, ...] = ()


def format_time(seconds: float) -> str:
    """Return a place in a recording as people write it: 12:05, 1:12:05."""
    whole = max(0, int(seconds))
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes:02}:{whole % 60:02}"


def write_srt(segments: Sequence[Segment]) -> str:
    """Return subtitles in SubRip's format, or an empty text if no times are known."""
    blocks = [
        f"{number}\n{_format_stamp(segment.start)} --> {_format_stamp(max(segment.start, segment.end))}\n{text}\n"
        for number, (segment, text) in enumerate(_spoken(segments), 1)
    ]
    return "\n".join(blocks)


def _spoken(segments: Sequence[Segment]) -> list[tuple[Segment, str]]:
    # An empty line ends a block, so a text must not hold one.
    texts = ((segment, " ".join(segment.text.split())) for segment in segments)
    return [(segment, text) for segment, text in texts if text]


def _format_stamp(seconds: float) -> str:
    millis = max(0, round(seconds * 1000))
    hours, rest = divmod(millis, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02},{rest % 1000:03}"
