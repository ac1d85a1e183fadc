"""Interface of speech recognisers."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from beseda.core.backoff import Backoff
from beseda.core.failover import FailoverMember, RetryRule
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


_RETRIES: Final = RetryRule(attempts=2, longest_wait=5.0, backoff=Backoff(first=0.5))  # a person is waiting


@dataclass(frozen=True, slots=True)
class SpeechConnection:
    """The address of a recogniser, its key and limits, and time-outs in seconds."""

    endpoint: str
    base_url: str
    model: str = ""
    api_key: str = field(default="", repr=False)
    timeout: float = 120.0
    connect_timeout: float = 10.0
    retries: RetryRule = _RETRIES
    limits: SpeechLimits = field(default_factory=SpeechLimits)
