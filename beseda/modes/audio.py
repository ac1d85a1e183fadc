"""Turn a recording into text: the beginning in the chat, the whole as a file, subtitles if times are known."""

import asyncio
from collections.abc import Mapping
from pathlib import PurePath

from beseda.core.errors import FileTooLargeError
from beseda.core.ids import new_id
from beseda.engine.context import BotServices, Context
from beseda.engine.identify import SOUNDS
from beseda.engine.incoming import MessageKind
from beseda.engine.jobs.base import JobControl
from beseda.engine.jobs.model import Job
from beseda.engine.modes import JobKind, Mode, ModeInput
from beseda.features.transcription import TranscriptionProgress, TranscriptionService, TranscriptionStage
from beseda.locales import Text
from beseda.modes import _transcripts
from beseda.modes._sending import as_media, draw_progress, language_of, show_actions, tell_left
from beseda.speech.transcript import format_time
from beseda.telegram.keyboards import write_markup
from beseda.telegram.markdown.escape import literal
from beseda.telegram.part import Part, write_media

KIND = "recording.transcribe"
_SHOWN = 1000  # characters of the beginning

_FETCHING = Text("modes.audio.fetching")
_PREPARING = Text("modes.audio.preparing")
_LISTENING = Text("modes.audio.listening")
_DONE = Text("modes.audio.done")
_MISSED = Text("modes.audio.missed")
_SUBTITLES = Text("modes.audio.subtitles")
_WHOLE = Text("modes.audio.whole")
_STAGES = {TranscriptionStage.PREPARING: _PREPARING, TranscriptionStage.LISTENING: _LISTENING}


async def start(context: Context, material: ModeInput) -> None:
    """Hand a recording to the queue; one that Telegram does not give to bots is refused at once."""
    attachment = material.attachment
    if attachment is None:
        return
    try:
        context.bot.api.check_size(attachment.size)
    except FileTooLargeError as error:
        await context.refuse(error)
        return
    hint = str(context.bot.settings("audio")["language"])
    name = PurePath(attachment.name).stem
    payload = {"file_id": attachment.file_id, "hint": hint, "name": name, **_transcripts.new_numbers()}
    await context.bot.jobs.start(context, KIND, payload, slot="speech")


async def transcribe(
    bot: BotServices, job: Job, control: JobControl, transcription: TranscriptionService
) -> Mapping[str, object]:
    """Download a recording, transcribe it and store the transcript; the recording itself is deleted."""
    source = bot.options.downloads / f"recording-{new_id()}"

    def tell(progress: TranscriptionProgress) -> None:
        left = "" if progress.seconds_left is None else f"{progress.seconds_left:.0f}"
        control.report(progress.done, progress.total, f"{progress.stage}:{left}")

    try:
        control.report(0)
        await bot.api.download(str(job.request.payload["file_id"]), source)
        hint = str(job.request.payload.get("hint", ""))
        transcript = await transcription.transcribe(source, language=hint, listener=tell)
    finally:
        await asyncio.shield(asyncio.to_thread(source.unlink, missing_ok=True))
    return {
        "subtitles": await _transcripts.keep_transcript(bot, job, transcript),
        "seconds": transcript.seconds,
        "beginning": _begin(transcript.text),
        "missed": [[part.start, part.end] for part in transcript.missed],
    }


def _begin(text: str) -> str:
    """Return the beginning of a text, cut between words."""
    if len(text) <= _SHOWN:
        return text
    return text[:_SHOWN].rpartition(" ")[0].rstrip(" ,;:") + "…"


def describe(job: Job, language: str) -> str:
    """Return the present step, its progress and the remaining time."""
    stage, _, left = job.progress.note.partition(":")
    if stage not in set(TranscriptionStage):
        return _FETCHING.say(language)
    seconds = float(left) if left else None
    figures = " · ".join(filter(None, [draw_progress(job), tell_left(seconds, language)]))
    return "\n\n".join(filter(None, [_STAGES[TranscriptionStage(stage)].say(language), figures]))


async def view(bot: BotServices, job: Job) -> list[Part]:
    """Return the beginning, then the files, with buttons for documents of the text. Raises NotFoundError."""
    result, language = job.result or {}, language_of(job)
    files = await _transcripts.find_files(bot, job)
    await _transcripts.remember(bot, job)
    seconds = result.get("seconds")
    length = f" · {format_time(seconds)}" if isinstance(seconds, int | float) else ""
    blocks = [_DONE.say(language, length=length), literal(str(result.get("beginning", "")))]
    if places := _places(result.get("missed")):
        blocks.append(_MISSED.say(language, places=places))
    parts = await bot.messenger.compose("\n\n".join(blocks))
    for caption, file in zip((_WHOLE, _SUBTITLES), files, strict=False):
        parts.append(Part(0, caption.say(language), media=write_media([as_media(file)])))
    parts[-1].markup = write_markup(
        await show_actions(bot, job, "transcript") if "transcript" in bot.handlers.modes else ()
    )
    return parts


def _places(missed: object) -> str:
    spans = missed if isinstance(missed, list) else []
    return ", ".join(f"{format_time(start)}–{format_time(end)}" for start, end in spans)


mode = Mode(
    button=Text("modes.audio.button"),
    about=Text("modes.audio.about"),
    invitation=Text("modes.audio.invitation"),
    run=start,
    takes=frozenset({MessageKind.VOICE, MessageKind.AUDIO, MessageKind.VIDEO_NOTE, MessageKind.VIDEO}),
    documents=SOUNDS,
    defaults={"language": ""},
    jobs={KIND: JobKind(transcribe, view, describe)},
)
