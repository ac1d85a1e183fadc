"""Hearing what a person said: a voice message, a video note or an audio file becomes text."""

import logging
import secrets
from pathlib import Path

from beseda.audio.base import AudioTranscoder
from beseda.domain.budget import Unit
from beseda.domain.transcript import Transcript
from beseda.errors import BesedaError, BudgetExhaustedError, SilentAudioError, StorageError, ToolError
from beseda.services.budget import spending
from beseda.speech.base import Transcriber

_log = logging.getLogger(__name__)


class VoiceService:
    """Transcodes into `folder` under names of its own, transcribes, and leaves nothing there."""

    def __init__(
        self, transcriber: Transcriber, transcoder: AudioTranscoder, folder: Path, *, suffix: str = ".ogg"
    ) -> None:
        self._transcriber = transcriber
        self._transcoder = transcoder
        self._folder = folder
        self._suffix = suffix

    async def listen(self, source: Path, *, language: str = "") -> Transcript:
        """Return what is said in `source`, which stays the caller's; `language` is a hint as ISO 639-1.

        Raises `SilentAudioError` where there are no words, otherwise what the transcoder and the recogniser raise; a
        failure that nobody foresaw becomes `ToolError`. Every failure is in the log with its whole traceback.
        """
        try:
            return await self._listen(source, language)
        except SilentAudioError:
            _log.info("no words in %s", source.name)
            raise
        except (BudgetExhaustedError, StorageError):
            raise
        except BesedaError:
            _log.warning("could not transcribe %s", source.name, exc_info=True)
            raise
        except Exception as error:
            _log.exception("could not transcribe %s", source.name)
            raise ToolError(f"{type(error).__name__}: {error}") from error

    async def _listen(self, source: Path, language: str) -> Transcript:
        self._folder.mkdir(parents=True, exist_ok=True)
        target = self._folder / f"voice-{secrets.token_hex(8)}{self._suffix}"
        try:
            recording = await self._transcoder.transcode_voice(source, target)
            async with spending(Unit.SPEECH, recording.seconds):
                transcript = await self._transcriber.transcribe(target, language=language)
        finally:
            _remove(target)
        if not (text := transcript.text.strip()):
            raise SilentAudioError(f"{self._transcriber.name} heard nothing in {recording.seconds:.1f} s")
        return Transcript(text, recording.seconds if transcript.seconds is None else transcript.seconds)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
