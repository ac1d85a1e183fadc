"""Several recognisers, asked one after another until one answers."""

from pathlib import Path

from beseda.core.errors import FileTooLargeError, RemoteError
from beseda.core.failover import Failover
from beseda.speech.base import SpeechLimits, Transcriber, Transcript


class FailoverTranscriber(Failover[Transcriber]):
    """A `Transcriber` made of others."""

    @property
    def limits(self) -> SpeechLimits:
        """Limits that all of them meet, so that each of them can process the same parts."""
        every = [transcriber.limits for transcriber in self._members]
        seconds = [limits.max_seconds for limits in every if limits.max_seconds is not None]
        parallel = min(limits.parallel for limits in every)
        return SpeechLimits(min(limits.max_bytes for limits in every), min(seconds, default=None), parallel)

    async def transcribe(self, audio: Path, *, language: str = "", times: bool = False) -> Transcript:
        """Return the first transcript that can be had. Another service may take larger files."""
        return await self.try_each(
            lambda member: member.transcribe(audio, language=language, times=times), (RemoteError, FileTooLargeError)
        )
