"""Joins the transcripts of parts: shifts times to the whole recording and removes repeated words."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from beseda.audio.base import AudioSpan
from beseda.speech.transcript import MissedPart, Segment, Transcript, format_time

_WORD = re.compile(r"\w+")
_MOST_REPEATED = 12  # words: what fits into an overlap, and some


@dataclass(frozen=True, slots=True)
class Heard:
    """The result of one part: its transcript with times relative to the part, or the reason of its failure."""

    span: AudioSpan
    transcript: Transcript | None
    reason: str = ""


def join_parts(parts: Sequence[Heard], seconds: float) -> Transcript:
    """Return the transcript of the whole recording. `parts` are in order, and missing parts are marked in the text."""
    texts: list[str] = []
    segments: list[Segment] = []
    missed: list[MissedPart] = []
    last: Heard | None = None
    for part in parts:
        if part.transcript is None:
            missed.append(MissedPart(part.span.start, part.span.end, part.reason))
            texts.append(f"[{format_time(part.span.start)}–{format_time(part.span.end)} …]")
        else:
            repeated = last is not None and last.transcript is not None and last.span.end > part.span.start
            edge = (last.span.end + part.span.start) / 2 if repeated and last is not None else None
            text = part.transcript.text.strip()
            texts.append(text if edge is None else _drop_repeated(texts[-1], text))
            segments = _add_segments(segments, part.span.start, part.transcript.segments, edge)
        last = part
    return Transcript("\n\n".join(filter(None, texts)), seconds, tuple(segments), tuple(missed))


def _add_segments(known: list[Segment], offset: float, new: Sequence[Segment], edge: float | None) -> list[Segment]:
    """Return segments in the recording's own time; around an `edge` that both parts heard each keeps its side."""
    moved = [replace(segment, start=segment.start + offset, end=segment.end + offset) for segment in new]
    if edge is None:
        return known + moved
    return [segment for segment in known if _middle(segment) < edge] + [
        segment for segment in moved if _middle(segment) >= edge
    ]


def _middle(segment: Segment) -> float:
    return (segment.start + segment.end) / 2


def _drop_repeated(before: str, text: str) -> str:
    """Return `text` without the words at its beginning that `before` ends with; a single word may be chance."""
    ending = [word.casefold() for word in _WORD.findall(before)[-_MOST_REPEATED:]]
    words = list(_WORD.finditer(text))[:_MOST_REPEATED]
    beginning = [word[0].casefold() for word in words]
    for count in range(min(len(ending), len(beginning)), 1, -1):
        if ending[-count:] == beginning[:count]:
            return text[words[count - 1].end() :].lstrip(" ,.;:!?…-–—")
    return text
