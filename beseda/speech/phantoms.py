"""Phantoms: words that a recogniser invents without speech.

Whisper was trained on subtitles, and writes their credits for silence and noise. Credits are never spoken in a
recording. A stock phrase may be spoken, so that it is dropped only with evidence: silence around it, or far too much
time for its words.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from beseda.speech.transcript import Segment, Transcript

_NAME = r"(?:[А-ЯЁA-Z]\.\s?)?[А-ЯЁA-Z][\w-]+"
_CREDITS = re.compile(
    rf"[\s\[(«\"—-]*(?:субтитры\s+(?:с?делал|создавал|создал|подогнал|добавил|подготовил)\w*\s+(?:для\s+)?{_NAME}"
    rf"|(?:редактор\s+субтитров|корректор)\s+{_NAME}(?:\s+корректор\s+{_NAME})?"
    r"|(?:subtitles?|captions?|transcription|translated)\s+(?:by|provided by)\s+(?:the\s+)?[\w.]+(?:\s+community)?"
    r"|dimatorzok|amara\.org)[.!\])»\"]*\s*",
    re.IGNORECASE,
)
_STOCK = re.compile(
    r"\W*(?:продолжение\s+следует|спасибо\s+за\s+(?:просмотр|внимание)|подписывайтесь\s+на\s+(?:мой\s+|наш\s+)?канал"
    r"|(?:до\s+)?(?:скорых\s+)?новых\s+встреч|to\s+be\s+continued|thank(?:s|\s+you)(?:\s+(?:so\s+much\s+)?for\s+"
    r"(?:watching|listening))?|(?:please\s+)?(?:like\s+and\s+)?subscribe(?:\s+to\s+(?:my|the)\s+channel)?|you|bye)\W*",
    re.IGNORECASE,
)
_LONG = 6.0  # seconds of a stock phrase, which takes two at the most
_SILENT_SHARE = 0.9  # of a segment
_SHORTEST = 4.0  # seconds: recognisers' times are off by a second or two


def is_stock_phrase(text: str) -> bool:
    """Return whether `text` is nothing but a phrase that recognisers are known to invent."""
    return _STOCK.fullmatch(text) is not None or _CREDITS.fullmatch(text) is not None


def drop_phantoms(transcript: Transcript, sounding: Sequence[tuple[float, float]], seconds: float) -> Transcript:
    """Return `transcript` without phantoms. `sounding` are the stretches of the recording that are not silent."""
    text = _CREDITS.sub(" ", transcript.text).strip()
    if not transcript.segments:
        heard = sum(end - start for start, end in sounding)
        invented = _STOCK.fullmatch(text) and (seconds > _LONG or heard < seconds / 2)
        return replace(transcript, text="" if invented else text)
    kept = [segment for segment in transcript.segments if not _is_phantom(segment, sounding)]
    cleaned = [replace(segment, text=_CREDITS.sub(" ", segment.text).strip()) for segment in kept]
    if len(kept) != len(transcript.segments):
        text = " ".join(segment.text for segment in cleaned)
    return replace(transcript, text=text, segments=tuple(segment for segment in cleaned if segment.text))


def _is_phantom(segment: Segment, sounding: Sequence[tuple[float, float]]) -> bool:
    length = segment.end - segment.start
    heard = sum(max(0.0, min(end, segment.end) - max(start, segment.start)) for start, end in sounding)
    if _CREDITS.fullmatch(segment.text):
        return True
    if _STOCK.fullmatch(segment.text):
        return length > _LONG or heard < length / 2
    return length >= _SHORTEST and heard < length * (1 - _SILENT_SHARE)
