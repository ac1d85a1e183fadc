"""What recognisers answer: a text, maybe its length, maybe its times."""

from typing import Any

from beseda.errors import ProtocolError
from beseda.speech._http import read_object
from beseda.speech.base import Segment, Transcript


def read_transcript(body: bytes) -> Transcript:
    """Return what an answer says. Raises `ProtocolError` where it has no text."""
    answer = read_object(body)
    text = answer.get("text")
    if not isinstance(text, str):
        raise ProtocolError(f"no text in the answer: {body[:200].decode(errors='replace')}")
    return Transcript(text.strip(), _read_seconds(answer), _read_segments(answer))


def _read_seconds(answer: dict[str, Any]) -> float | None:
    usage = answer.get("usage")
    seconds = usage.get("seconds") if isinstance(usage, dict) else answer.get("duration")
    return float(seconds) if isinstance(seconds, int | float) else None


def _read_segments(answer: dict[str, Any]) -> tuple[Segment, ...]:
    rows = answer.get("segments")
    if not isinstance(rows, list):
        return ()
    found = [segment for row in rows if isinstance(row, dict) and (segment := _read_segment(row))]
    return tuple(found)


def _read_segment(row: dict[str, Any]) -> Segment | None:
    start, end, text = row.get("start"), row.get("end"), row.get("text")
    if isinstance(start, int | float) and isinstance(end, int | float) and isinstance(text, str) and text.strip():
        return Segment(max(0.0, float(start)), max(float(start), float(end)), text.strip())
    return None
