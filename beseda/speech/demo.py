"""Placeholder for a recogniser that is not configured: it transcribes nothing."""

from pathlib import Path

from beseda.core.errors import SpeechNotConfiguredError
from beseda.core.failover import BackendHealth
from beseda.http.endpoints import SPEECH_ENDPOINTS
from beseda.speech.base import SpeechLimits, Transcript


class UnconfiguredTranscriber:
    """A `Transcriber` that refuses each recording with the message that none is configured."""

    @property
    def name(self) -> str:
        """`none`."""
        return "none"

    @property
    def limits(self) -> SpeechLimits:
        """Whatever: it hears nothing."""
        return SpeechLimits()

    async def transcribe(self, audio: Path, *, language: str = "", times: bool = False) -> Transcript:
        """Raise `SpeechNotConfiguredError`."""
        del language, times
        raise SpeechNotConfiguredError(f"{audio.name} was not transcribed: {_advise()}")

    async def check(self) -> BackendHealth:
        """Return the settings that are missing."""
        return BackendHealth(ok=False, detail=_advise())

    async def close(self) -> None:
        """Nothing to give back."""


def _advise() -> str:
    variables = [row.key_variable if row.needs_key else row.url_variable for row in SPEECH_ENDPOINTS]
    return f"no speech recogniser is configured; set one of {', '.join(variables)}"
