"""Interface of speech recognisers."""

from pathlib import Path
from typing import Protocol

from beseda.core.failover import FailoverMember
from beseda.http.endpoints import SpeechLimits as SpeechLimits  # noqa: PLC0414 - offered here, too
from beseda.speech.transcript import Segment as Segment  # noqa: PLC0414 - offered here, too
from beseda.speech.transcript import Transcript as Transcript  # noqa: PLC0414 - offered here, too


class Transcriber(FailoverMember, Protocol):
    """A recogniser of speech. Its check spends nothing."""

    @property
    def limits(self) -> SpeechLimits:
        """The limits on one request."""
        ...

    async def transcribe(self, audio: Path, *, language: str = "", times: bool = False) -> Transcript:
        """Return the text spoken in `audio`; `language` is a hint as ISO 639-1.

        With `times`, segments are included if the service supports them. Raise a leaf of `RemoteError`.
        """
        ...
