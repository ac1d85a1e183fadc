"""What a speech recogniser is to the rest of the program."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said. `seconds` is the length of the recording where the service tells it."""

    text: str
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class SpeechHealth:
    """Whether a recogniser can be asked now, and in one line why not."""

    ok: bool
    detail: str


class Transcriber(Protocol):
    """Something that turns speech into text."""

    @property
    def name(self) -> str:
        """`endpoint:model`, as settings write it."""
        ...

    async def transcribe(self, audio: Path, *, language: str = "") -> Transcript:
        """Return the text spoken in `audio`; `language` is a hint as ISO 639-1.

        Raises a leaf of `beseda.errors.RemoteError`.
        """
        ...

    async def check(self) -> SpeechHealth:
        """Ask the endpoint, without spending anything, whether it would answer."""
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...
