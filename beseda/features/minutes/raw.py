"""The transcript itself as files to send: nothing is asked of a model."""

import secrets

from beseda.core.clock import Clock
from beseda.features.minutes.model import Document
from beseda.features.minutes.source import NumberedText
from beseda.features.minutes.wording import Wording
from beseda.locales import Text
from beseda.speech.transcript import Transcript, write_srt

_TEXT = Text("documents.text")
_SUBTITLES = Text("documents.subtitles")


def write_transcript(transcript: Transcript, language: str, clock: Clock) -> Document:
    """Return the whole text as `.txt`, in paragraphs, with their times if they are known."""
    wording = Wording(language)
    text = write_paragraphs(transcript, language)
    content = "\n\n".join(filter(None, ["\n".join(wording.origin(transcript)), text])) + "\n"
    return Document(
        _name("transcript", "txt", clock), content.encode(), "text/plain; charset=utf-8", wording.say(_TEXT)
    )


def write_paragraphs(transcript: Transcript, language: str) -> str:
    """Return the text in paragraphs, with their times if there are several and times are known."""
    passages = NumberedText(transcript).passages
    if len(passages) < 2:
        return transcript.text
    times = [f"[{item.place(language)}] " if transcript.segments else "" for item in passages]
    return "\n\n".join(time + item.text for time, item in zip(times, passages, strict=True))


def write_subtitles(transcript: Transcript, language: str, clock: Clock) -> Document | None:
    """Return the subtitles as `.srt`, or None if no times are known."""
    if not (content := write_srt(transcript.segments)):
        return None
    name = _name("subtitles", "srt", clock)
    return Document(name, content.encode(), "application/x-subrip", _SUBTITLES.say(language))


def _name(kind: str, suffix: str, clock: Clock) -> str:
    return f"{kind}-{clock.now():%Y-%m-%d-%H%M%S}-{secrets.token_hex(3)}.{suffix}"
