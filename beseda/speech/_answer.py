"""Answers of recognisers: a text, and optionally its length and times."""

from typing import Any

from beseda.core.errors import ProtocolError
from beseda.speech._http import read_object
from beseda.speech.base import Segment, Transcript
from beseda.speech.phantoms import is_stock_phrase

_SILENT, _SURELY_SILENT, _KNOWN_SILENT = 0.6, 0.9, 0.3  # of no_speech_prob
_UNSURE = -1.0  # of avg_logprob


def read_transcript(body: bytes) -> Transcript:
    """Return the transcript of an answer. Raise `ProtocolError` if it has no text."""
    answer = read_object(body)
    text = answer.get("text")
    if not isinstance(text, str):
        raise ProtocolError(f"no text in the answer: {body[:200].decode(errors='replace')}")
    rows = answer.get("segments")
    rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    spoken = [row for row in rows if not _is_invented(row)]
    if len(spoken) != len(rows):
        text = " ".join(str(row.get("text", "")).strip() for row in spoken)
    segments = tuple(segment for row in spoken if (segment := _read_segment(row)))
    usage = answer.get("usage")
    seconds = usage.get("seconds") if isinstance(usage, dict) else answer.get("duration")
    return Transcript(text.strip(), float(seconds) if isinstance(seconds, int | float) else None, segments)


def _is_invented(row: dict[str, Any]) -> bool:
    """Return whether the recogniser itself doubts that a segment is speech.

    The rule of two figures is Whisper's own (openai/whisper, transcribe.py: no_speech_threshold, logprob_threshold). Of
    its known phrases it is sure, and sees no speech all the same.
    """
    silence, certainty = row.get("no_speech_prob"), row.get("avg_logprob")
    if not isinstance(silence, int | float):
        return False
    doubtful = not isinstance(certainty, int | float) or certainty < _UNSURE
    known = is_stock_phrase(str(row.get("text", "")))
    return silence > _SURELY_SILENT or (silence > _SILENT and doubtful) or (silence > _KNOWN_SILENT and known)


def _read_segment(row: dict[str, Any]) -> Segment | None:
    start, end, text = row.get("start"), row.get("end"), row.get("text")
    if isinstance(start, int | float) and isinstance(end, int | float) and isinstance(text, str) and text.strip():
        return Segment(max(0.0, float(start)), max(float(start), float(end)), text.strip())
    return None
