"""Several recognisers, asked one after another until one answers."""

import logging
from collections.abc import Sequence
from pathlib import Path

from beseda.core.errors import BesedaError, FileTooLargeError, RemoteError
from beseda.speech.base import SpeechHealth, SpeechLimits, Transcriber, Transcript

_log = logging.getLogger(__name__)


class FailoverTranscriber:
    """A `Transcriber` made of others, the preferred one first; at least one."""

    def __init__(self, transcribers: Sequence[Transcriber]) -> None:
        if not transcribers:
            raise ValueError("a failover needs at least one recogniser")
        self._transcribers = tuple(transcribers)

    @property
    def name(self) -> str:
        """The names in order, as settings write such a list."""
        return ",".join(transcriber.name for transcriber in self._transcribers)

    @property
    def limits(self) -> SpeechLimits:
        """Limits that all of them meet, so that each of them can process the same parts."""
        every = [transcriber.limits for transcriber in self._transcribers]
        seconds = [limits.max_seconds for limits in every if limits.max_seconds is not None]
        parallel = min(limits.parallel for limits in every)
        return SpeechLimits(min(limits.max_bytes for limits in every), min(seconds, default=None), parallel)

    async def transcribe(self, audio: Path, *, language: str = "", times: bool = False) -> Transcript:
        """Return the first transcript that can be had.

        If none can, raises the first error after which trying again makes sense, else the last one.
        """
        failures: list[BesedaError] = []
        for transcriber in self._transcribers:
            try:
                return await transcriber.transcribe(audio, language=language, times=times)
            # Another service may take larger files.
            except (RemoteError, FileTooLargeError) as error:
                failures.append(error)
                _log.warning("%s did not transcribe: %s", transcriber.name, error)
        raise next((failure for failure in failures if failure.retryable), failures[-1])

    async def check(self) -> SpeechHealth:
        """Return whether any of them answers, with the details of each."""
        healths = [await transcriber.check() for transcriber in self._transcribers]
        return SpeechHealth(ok=any(health.ok for health in healths), detail="; ".join(h.detail for h in healths))

    async def close(self) -> None:
        """Close every one of them."""
        for transcriber in self._transcribers:
            await transcriber.close()
