"""The transcript that a chat works with: kept as files, and found again when something is to be made of it."""

import contextlib

from beseda.core.errors import NotFoundError
from beseda.core.ids import new_id
from beseda.engine.context import BotServices, Context
from beseda.engine.files.model import FileKind, FileOwner, NewFile, StoredFile, add_subject
from beseda.engine.jobs.model import Job
from beseda.locales import Text
from beseda.modes._sending import chat_of, language_of, number, owner_of, state_key
from beseda.speech.transcript import Segment, Transcript, write_srt

_STATE = "transcript"
_TITLE = Text("modes.transcript_files.title")
_SUBTITLES = Text("modes.transcript_files.subtitles")


def new_numbers() -> dict[str, object]:
    """Return the numbers that the files of a transcript are going to have: a job that runs twice replaces them."""
    return {"text": new_id(), "subtitles": new_id()}


async def keep_transcript(bot: BotServices, job: Job, transcript: Transcript) -> bool:
    """Store a transcript as text and, if times are known, as subtitles; return whether they are."""
    subtitles = write_srt(transcript.segments)
    subject = str(job.request.payload.get("name", "")) or transcript.text
    await bot.files.save(_new_file(job, "text", ".txt", subject), transcript.text.encode())
    if subtitles:
        await bot.files.save(_new_file(job, "subtitles", ".srt", subject), subtitles.encode())
    return bool(subtitles)


def _new_file(job: Job, name: str, suffix: str, subject: str) -> NewFile:
    """Describe a file of a transcript, which has the name of its recording or else begins with its first words."""
    title = add_subject((_TITLE if name == "text" else _SUBTITLES).say(language_of(job)), subject)
    return NewFile(
        owner=owner_of(job),
        chat_id=chat_of(job),
        kind=FileKind.TRANSCRIPT,
        title=title,
        suffix=suffix,
        job_id=job.id,
        id=number(job.request.payload, name),
    )


async def find_files(bot: BotServices, job: Job) -> list[StoredFile]:
    """Return the files of a transcript: the text, then subtitles if there are any. Raises NotFoundError."""
    found = [await bot.files.find(number(job.request.payload, "text"), owner_of(job))]
    if (job.result or {}).get("subtitles"):
        found.append(await bot.files.find(number(job.request.payload, "subtitles"), owner_of(job)))
    return found


async def remember(bot: BotServices, job: Job) -> None:
    """Have the chat work with the transcript of this job from now on."""
    payload = job.request.payload
    subtitles = number(payload, "subtitles") if (job.result or {}).get("subtitles") else 0
    value: dict[str, object] = {"text": number(payload, "text"), "subtitles": subtitles}
    await bot.state.set(state_key(bot, job, _STATE), value)


async def find_current(context: Context) -> dict[str, object] | None:
    """Return the numbers of the files that the chat works with, or None."""
    return await context.bot.state.get(context.state_key(_STATE))


async def load(bot: BotServices, owner: FileOwner, text: int, subtitles: int) -> Transcript:
    """Return a transcript from its files, with times if they are known. Raises NotFoundError without its text."""
    words = (await bot.files.read(await bot.files.find(text, owner))).decode()
    segments: tuple[Segment, ...] = ()
    if subtitles:
        with contextlib.suppress(NotFoundError):  # deleted by themselves: the words are what counts
            segments = read_srt((await bot.files.read(await bot.files.find(subtitles, owner))).decode())
    return Transcript(words, segments[-1].end if segments else None, segments)


def read_srt(text: str) -> tuple[Segment, ...]:
    """Return the segments of subtitles that `write_srt` wrote."""
    segments = []
    for block in text.strip().split("\n\n"):
        _, times, words = block.split("\n", maxsplit=2)
        start, _, end = times.partition(" --> ")
        segments.append(Segment(_seconds(start), _seconds(end), words.strip()))
    return tuple(segments)


def _seconds(stamp: str) -> float:
    hours, minutes, seconds = stamp.replace(",", ".").split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
