"""How a recogniser is reached."""

from dataclasses import dataclass, field
from typing import Final

from beseda.core.backoff import Backoff
from beseda.core.failover import RetryRule
from beseda.speech.base import SpeechLimits

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
