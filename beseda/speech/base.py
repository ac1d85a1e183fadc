"""Interface of speech recognisers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from beseda.http.endpoints import SpeechLimits as SpeechLimits  # noqa: PLC0414 - offered here, too
from beseda.speech.transcript import Segment as Segment  # noqa: PLC0414 - offered here, too
from beseda.speech.transcript import Transcript as Transcript  # noqa: PLC0414 - offered here, too


@dataclass(frozen=True, slots=True)
class SpeechHealth:
    """Whether a recogniser works now, with the reason in one line if not, or if it will soon stop to work."""

    ok: bool
    detail: str


class Transcriber(Protocol):
    """Something that turns speech into text."""

    @property
    def name(self) -> str:
        """`endpoint:model`, as settings write it."""
        ...

    @property
    def limits(self) -> SpeechLimits:
        """The limits on one request."""
        ...

    async def transcribe(self, audio: Path, *, language: str = "", times: bool = False) -> Transcript:
        """Return the text spoken in `audio`; `language` is a hint as ISO 639-1.

        With `times`, segments are included if the service supports them. Raise a leaf of `RemoteError`.
        """
        ...

    async def check(self) -> SpeechHealth:
        """Ask the endpoint, without spending anything, whether it would answer."""
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...
