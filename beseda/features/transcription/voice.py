"""Speech recognition for voice messages, video notes and audio files."""

import logging
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from beseda.audio.base import AudioSpan, AudioTranscoder
from beseda.core.errors import (
    BesedaError,
    BudgetExhaustedError,
    SilentAudioError,
    StorageError,
    ToolError,
    UnreadableAudioError,
)
from beseda.engine.usage.budget import Unit
from beseda.engine.usage.budget_service import spending
from beseda.speech.base import Transcriber
from beseda.speech.phantoms import drop_phantoms
from beseda.speech.transcript import Transcript

_log = logging.getLogger(__name__)


_LEAST_SPEECH = 0.15  # seconds: a short word; a click is less


class SoundFinder(Protocol):
    """The part of a transcoder that measures how loud a recording is."""

    async def find_sound(self, source: Path, window: AudioSpan) -> Sequence[AudioSpan]:
        """Return the stretches of a window that are loud enough for speech."""
        ...


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
        """Return the transcript of `source`. The caller keeps the file. `language` is a hint as ISO 639-1.

        Raises `SilentAudioError` if there are no words, BudgetExhaustedError and StorageError of the budget, and
        otherwise the errors of the transcoder and the recogniser. An unexpected failure becomes `ToolError`. Failures
        of transcription are logged with their traceback.
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
            sounding = await find_sounding(self._transcoder, target, AudioSpan(0.0, recording.seconds))
            async with spending(Unit.SPEECH, recording.seconds):
                # With times a recogniser reports how likely there is no speech at all.
                heard = await self._transcriber.transcribe(target, language=language, times=True)
            transcript = drop_phantoms(heard, sounding, recording.seconds)
        finally:
            _remove(target)
        if not (text := transcript.text.strip()):
            raise SilentAudioError(f"{self._transcriber.name} heard nothing in {recording.seconds:.1f} s")
        return Transcript(text, recording.seconds if transcript.seconds is None else transcript.seconds)


async def find_sounding(transcoder: SoundFinder, audio: Path, span: AudioSpan) -> list[tuple[float, float]]:
    """Return the intervals of a span that may contain speech, in seconds from its start.

    Raises `SilentAudioError` if there are none, because a recogniser would invent words. If the sound cannot be
    measured, the whole span is returned.
    """
    try:
        found = await transcoder.find_sound(audio, span)
    except (ToolError, UnreadableAudioError) as error:
        _log.info("the sound of %s was not measured: %s", audio.name, error)
        return [(0.0, span.seconds)]
    if sum(stretch.seconds for stretch in found) < _LEAST_SPEECH:
        raise SilentAudioError(f"{audio.name}: nothing but silence in {span.seconds:.1f} s")
    return [(stretch.start - span.start, stretch.end - span.start) for stretch in found]


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
