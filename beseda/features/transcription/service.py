"""Transcribes recordings of any length: compresses, cuts only if necessary, recognises in parallel, joins the parts."""

import asyncio
import logging
import secrets
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from math import ceil
from pathlib import Path

from beseda.audio.base import AudioSpan, AudioWorkshop, NoRoomError, Recording, RecordingTooLongError, Sound
from beseda.core.clock import Clock, SystemClock
from beseda.core.errors import (
    BesedaError,
    BudgetExhaustedError,
    CreditExhaustedError,
    FileTooLargeError,
    KeyRejectedError,
    ModelNotFoundError,
    RejectedRequestError,
    SilentAudioError,
    SpeechNotConfiguredError,
    StorageError,
    ToolError,
)
from beseda.engine.usage.budget import Unit
from beseda.engine.usage.budget_service import spending
from beseda.features.transcription.cuts import Cut, choose_cut, make_spans, wish_cuts
from beseda.features.transcription.join import Heard, join_parts
from beseda.features.transcription.progress import Meter, ProgressListener, Reporter
from beseda.features.transcription.room import DiskBudget
from beseda.features.transcription.voice import find_sounding
from beseda.speech.base import Transcriber
from beseda.speech.phantoms import drop_phantoms
from beseda.speech.transcript import MissedPart, Transcript

_log = logging.getLogger(__name__)

_BYTES_PER_SECOND = 3450  # of a prepared recording: 24 kb/s, variable, and the container
_PAUSE, _LONGEST_PAUSE = 2.0, 60.0  # seconds before a part is tried again
_SHORTEST_HALF = 20.0  # seconds: what is refused at this length is not refused for its length
# Containers that write down how long they are; of others (MP3, ADTS) the length is an estimate.
_HONEST = ("mov", "matroska", "flac", "asf", "aiff")
_TOLERANCE, _TOLERATED = 3.0, 0.02  # seconds, and a share, that may be missing without a word
# After these every other part would fail the same way.
_HOPELESS = (KeyRejectedError, CreditExhaustedError, ModelNotFoundError, SpeechNotConfiguredError)


@dataclass(frozen=True, slots=True)
class TranscriptionRules:
    """How long a recording may be, in seconds, and the room for all that is under way."""

    max_seconds: float = 6 * 3600
    budget: DiskBudget = field(default_factory=DiskBudget)


@dataclass(slots=True)
class _Recognition:
    """One recording under way. `asked` are the seconds that a recogniser was given and heard.

    `hopeless` is the error that makes it useless to go on.
    """

    folder: Path
    speech: Path
    language: str
    reporter: Reporter
    meter: Meter
    asked: float = 0.0
    hopeless: BesedaError | None = None
    failure: BesedaError | None = None


class TranscriptionService:
    """Works in a folder of its own below `folder` and leaves nothing there. Requests of all jobs share one line."""

    def __init__(
        self,
        transcriber: Transcriber,
        workshop: AudioWorkshop,
        folder: Path,
        *,
        rules: TranscriptionRules | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._transcriber = transcriber
        self._workshop = workshop
        self._folder = folder
        self._rules = rules or TranscriptionRules()
        self._clock = clock or SystemClock()
        self._line = asyncio.Semaphore(transcriber.limits.parallel)
        self._pace: float | None = None

    async def transcribe(
        self, source: Path, *, language: str = "", listener: ProgressListener | None = None
    ) -> Transcript:
        """Return the transcript of `source`. The caller keeps the file. Cancelling cleans up.

        A part that fails twice is in `missed` of the transcript. Its error is raised only if all parts fail. Raises
        `UnreadableAudioError`, `RecordingTooLongError`, `NoRoomError`, `SilentAudioError`, `ToolError`, and the errors
        of the recogniser. Raises BudgetExhaustedError and StorageError. Every other failure is logged.
        """
        try:
            return await self._transcribe(source, language, Reporter(self._clock, listener, self._pace))
        except (BudgetExhaustedError, StorageError):
            raise
        except BesedaError as error:
            _log.warning("could not transcribe %s: %s", source.name, error, exc_info=not isinstance(error, ToolError))
            raise
        except OSError as error:
            _log.warning("could not transcribe %s", source.name, exc_info=True)
            raise ToolError(f"{source.name}: {error.strerror or error}") from error
        except Exception as error:
            _log.exception("could not transcribe %s", source.name)
            raise ToolError(f"{type(error).__name__}: {error}") from error

    async def _transcribe(self, source: Path, language: str, reporter: Reporter) -> Transcript:
        sound = await self._workshop.probe(source)
        longest = self._rules.max_seconds
        if sound.seconds is not None and sound.seconds > longest:
            raise RecordingTooLongError(f"{sound.seconds:.0f} s, and {longest:.0f} s are taken")
        async with self._open_folder(min(sound.seconds or longest, longest)) as folder:
            speech = folder / "speech.ogg"
            recording = await self._prepare(source, speech, sound, reporter)
            spans = await self._split(speech, recording)
            meter = reporter.listen(recording.seconds, len(spans))
            job = _Recognition(folder, speech, language, reporter, meter)
            async with spending(Unit.SPEECH, recording.seconds) as spent:
                heard = await self._hear_all(job, spans)
                spent.used = ceil(job.asked)
        transcript = join_parts(heard, recording.seconds)
        return self._judge(job, heard, _tell_cut_end(transcript, sound, recording))

    @asynccontextmanager
    async def _open_folder(self, seconds: float) -> AsyncGenerator[Path, None]:
        await asyncio.to_thread(self._folder.mkdir, parents=True, exist_ok=True)
        # The whole, and at most as much again in parts.
        with self._rules.budget.hold(self._folder, int(2 * seconds * _BYTES_PER_SECOND)):
            folder = self._folder / f"transcription-{secrets.token_hex(8)}"
            await asyncio.to_thread(folder.mkdir)
            try:
                yield folder
            finally:
                # Not to be interrupted: what is left here stays until the next start.
                await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True))

    async def _prepare(self, source: Path, speech: Path, sound: Sound, reporter: Reporter) -> Recording:
        longest = self._rules.max_seconds
        hear = reporter.prepare(sound.seconds or 0.0)
        return await self._workshop.transcode_speech(source, speech, sound, max_seconds=longest, listener=hear)

    async def _split(self, speech: Path, recording: Recording) -> list[AudioSpan]:
        wish = wish_cuts(recording, self._transcriber.limits)
        cuts = [await self._find_cut(speech, place, wish.window, recording.seconds) for place in wish.places]
        return make_spans(recording.seconds, cuts)

    async def _find_cut(self, speech: Path, place: float, window: float, seconds: float) -> Cut:
        span = AudioSpan(max(0.0, place - window), min(seconds, place + window))
        return choose_cut(place, await self._workshop.find_silences(speech, span))

    async def _hear_all(self, job: _Recognition, spans: list[AudioSpan]) -> list[Heard]:
        # Only so many of one recording stand in line, so that a short one does not wait for all of a long one.
        own = asyncio.Semaphore(self._transcriber.limits.parallel)

        async def hear(span: AudioSpan) -> list[Heard]:
            async with own, self._line:
                heard = await self._hear(job, span, whole=len(spans) == 1)
            job.reporter.finish_part(job.meter, span.seconds)
            return heard

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(hear(span)) for span in spans]
        return [heard for task in tasks for heard in task.result()]

    async def _hear(self, job: _Recognition, span: AudioSpan, *, whole: bool = False) -> list[Heard]:
        """Return the results of a part. A part that is rejected for its size is split in two."""
        if job.hopeless is not None:
            return [Heard(span, None, type(job.hopeless).__name__)]
        part = job.speech if whole else job.folder / f"part-{secrets.token_hex(4)}.ogg"
        try:
            if not whole:
                await self._workshop.cut(job.speech, part, span)
            return [Heard(span, await self._ask_of_sound(job, part, span))]
        except SilentAudioError:
            return [Heard(span, Transcript("", span.seconds))]
        except FileTooLargeError as error:
            if span.seconds >= 2 * _SHORTEST_HALF:
                return await self._hear_halves(job, span)
            # Its text speaks of Telegram's limit, and that is not the matter here.
            return [self._miss(job, span, RejectedRequestError(error.detail))]
        except BesedaError as error:
            return [self._miss(job, span, error)]
        finally:
            if not whole:
                part.unlink(missing_ok=True)

    async def _hear_halves(self, job: _Recognition, span: AudioSpan) -> list[Heard]:
        middle = (span.start + span.end) / 2
        cut = await self._find_cut(job.speech, middle, span.seconds / 8, span.end)
        first = AudioSpan(span.start, cut.at + cut.overlap / 2)
        second = AudioSpan(cut.at - cut.overlap / 2, span.end)
        return [*await self._hear(job, first), *await self._hear(job, second)]

    async def _ask_of_sound(self, job: _Recognition, part: Path, span: AudioSpan) -> Transcript:
        """Return the transcript of a part with sound, without words invented on silence."""
        sounding = await find_sounding(self._workshop, job.speech, span)
        transcript = await self._ask_twice(part, job.language)
        job.asked += span.seconds
        return drop_phantoms(transcript, sounding, span.seconds)

    async def _ask_twice(self, part: Path, language: str) -> Transcript:
        try:
            return await self._transcriber.transcribe(part, language=language, times=True)
        except (*_HOPELESS, FileTooLargeError):
            raise
        except BesedaError as error:
            _log.info("%s: once more after %s", part.name, error)
            pause = _PAUSE if error.retry_after is None else error.retry_after
            await self._clock.sleep(min(pause, _LONGEST_PAUSE))
        return await self._transcriber.transcribe(part, language=language, times=True)

    def _miss(self, job: _Recognition, span: AudioSpan, error: BesedaError) -> Heard:
        _log.warning("%.0f to %.0f s could not be transcribed: %s", span.start, span.end, error)
        job.failure = job.failure or error
        if isinstance(error, (*_HOPELESS, NoRoomError)):
            job.hopeless = error
        return Heard(span, None, type(error).__name__)

    def _judge(self, job: _Recognition, heard: list[Heard], transcript: Transcript) -> Transcript:
        if job.failure is not None and all(part.transcript is None for part in heard):
            raise job.failure
        if not any(part.transcript is not None and part.transcript.text.strip() for part in heard):
            raise SilentAudioError(f"{self._transcriber.name} heard nothing in {transcript.seconds:.1f} s")
        if job.failure is None:
            self._pace = job.meter.pace
        return transcript


def _tell_cut_end(transcript: Transcript, sound: Sound, recording: Recording) -> Transcript:
    """Return the transcript with the missing end of a truncated file added to the missed parts."""
    promised = sound.seconds if any(name in sound.container for name in _HONEST) else None
    if promised is None or recording.seconds >= promised - max(_TOLERANCE, promised * _TOLERATED):
        return transcript
    return replace(transcript, missed=(*transcript.missed, MissedPart(recording.seconds, promised, "Truncated")))
