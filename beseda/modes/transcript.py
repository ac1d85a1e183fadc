"""Make a document of a transcript: one that was heard here, or a text that is sent in."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import PurePath

from beseda.core.chat import ChatKind
from beseda.core.errors import InputError
from beseda.core.ids import new_id
from beseda.engine.context import BotServices, Context
from beseda.engine.files.model import FileKind, FileOwner, NewFile, add_subject
from beseda.engine.incoming import Attachment, MessageKind
from beseda.engine.jobs.base import JobControl
from beseda.engine.jobs.model import Job
from beseda.engine.modes import Action, JobKind, Mode, ModeInput
from beseda.features.minutes import MAX_TEXT_BYTES, DocumentProgress, DocumentService, read_text
from beseda.features.minutes.model import DocumentKind
from beseda.locales import Text
from beseda.modes import _transcripts
from beseda.modes._sending import (
    as_media,
    chat_of,
    draw_progress,
    language_of,
    number,
    owner_of,
    show_actions,
    tell_left,
)
from beseda.telegram.keyboards import write_markup
from beseda.telegram.part import Part, write_media

NAME, KIND = "transcript", "document.write"
_SHORT = 200  # characters: what is shorter is a question and no transcript

FORMATS = {
    DocumentKind.FULL: Text("modes.transcript.formats.full"),
    DocumentKind.SUMMARY: Text("modes.transcript.formats.summary"),
    DocumentKind.MINUTES: Text("modes.transcript.formats.minutes"),
    DocumentKind.TODO: Text("modes.transcript.formats.todo"),
    DocumentKind.PROTOCOL: Text("modes.transcript.formats.protocol"),
}
# How the files are called, in the history and in a download folder.
_FILE_TITLES = {
    DocumentKind.FULL: Text("modes.transcript.file_titles.full"),
    DocumentKind.SUMMARY: Text("modes.transcript.file_titles.summary"),
    DocumentKind.MINUTES: Text("modes.transcript.file_titles.minutes"),
    DocumentKind.TODO: Text("modes.transcript.file_titles.todo"),
    DocumentKind.PROTOCOL: Text("modes.transcript.file_titles.protocol"),
}
_ABOUT = Text("modes.transcript.about_formats")
_FORMATS_TOLD = Text("modes.transcript.formats_told")
_TAKEN = Text("modes.transcript.taken")
_NONE_YET = Text("modes.transcript.none_yet")
_WRITING = Text("modes.transcript.writing")
_DONE = Text("modes.transcript.done")
_TITLE = Text("modes.transcript.title")


async def take(context: Context, material: ModeInput) -> None:
    """Store a text as the chat's transcript, and offer documents of it; a few words are a question to the model."""
    if material.attachment is None and len(material.text) < _SHORT:
        await context.ask(material.text)
        return
    try:
        text = await _fetch(context, material.attachment) if material.attachment else material.text
    except InputError as error:
        await context.refuse(error)
        return
    new = NewFile(
        owner=FileOwner(context.bot.profile.name, context.person.id),
        chat_id=context.event.place.chat.chat_id,
        kind=FileKind.TRANSCRIPT,
        title=add_subject(context.say(_TITLE), _find_subject(material.attachment, text)),
        suffix=".txt",
    )
    await context.conversation()  # the person is on record before a file of theirs is
    kept = await context.bot.files.save(new, text.encode())
    await context.bot.state.set(context.state_key(NAME), {"text": kept.id, "subtitles": 0})
    private = context.event.place.kind is ChatKind.PRIVATE
    await context.reply(
        context.say(_TAKEN, characters=len(text)),
        context.bot.handlers.menus.actions(NAME, context.language, private=private),
    )


def _find_subject(attachment: Attachment | None, text: str) -> str:
    return PurePath(attachment.name).stem if attachment and attachment.name else text


async def _fetch(context: Context, attachment: Attachment) -> str:
    target = context.bot.options.downloads / f"text-{new_id()}"
    try:
        await context.bot.api.download(attachment.file_id, target, limit=MAX_TEXT_BYTES)
        return read_text(await asyncio.to_thread(target.read_bytes))
    finally:
        await asyncio.shield(asyncio.to_thread(target.unlink, missing_ok=True))


async def tell_formats(context: Context) -> None:
    """Describe the contents of each format."""
    await context.reply(context.say(_FORMATS_TOLD))


def _starter(kind: DocumentKind) -> Callable[[Context], Awaitable[None]]:
    async def start(context: Context) -> None:
        current = await _transcripts.find_current(context)
        if current is None:
            await context.reply(context.say(_NONE_YET))
            return
        payload = {**current, "kind": kind.value, "document": new_id()}
        await context.bot.jobs.start(context, KIND, payload, slot="text")

    return start


async def write(bot: BotServices, job: Job, control: JobControl, documents: DocumentService) -> Mapping[str, object]:
    """Have the model write the document, and keep it."""
    payload, language = job.request.payload, language_of(job)

    def tell(progress: DocumentProgress) -> None:
        left = "" if progress.seconds_left is None else f"{progress.seconds_left:.0f}"
        control.report(progress.done, progress.total, left)

    transcript = await _transcripts.load(bot, owner_of(job), number(payload, "text"), number(payload, "subtitles"))
    kind = DocumentKind(str(payload["kind"]))
    document = await documents.write(kind, transcript, language=language, listener=tell)
    new = NewFile(
        owner=owner_of(job),
        chat_id=chat_of(job),
        kind=FileKind.DOCUMENT,
        title=add_subject(_FILE_TITLES[kind].say(language), document.subject),
        suffix="." + document.name.rpartition(".")[2],
        mime=document.mime,
        job_id=job.id,
        id=number(payload, "document"),
    )
    await bot.files.save(new, document.content)
    return {"caption": document.caption}


def describe(job: Job, language: str) -> str:
    """Return the progress of the document and the remaining time."""
    seconds = float(job.progress.note) if job.progress.note else None
    figures = " · ".join(filter(None, [draw_progress(job), tell_left(seconds, language)]))
    return "\n\n".join(filter(None, [_WRITING.say(language), figures]))


async def view(bot: BotServices, job: Job) -> list[Part]:
    """Return the document, with buttons for others of the text. Raises NotFoundError if it was deleted since."""
    language = language_of(job)
    file = await bot.files.find(number(job.request.payload, "document"), owner_of(job))
    parts = await bot.messenger.compose(_DONE.say(language))
    caption = (await bot.messenger.compose(str((job.result or {}).get("caption", ""))))[0].html
    markup = write_markup(await show_actions(bot, job, NAME))
    return [*parts, Part(0, caption, markup, media=write_media([as_media(file)]))]


mode = Mode(
    button=Text("modes.transcript.button"),
    about=Text("modes.transcript.about"),
    invitation=Text("modes.transcript.invitation"),
    run=take,
    takes=frozenset({MessageKind.TEXT}),
    documents=("text/", "application/x-subrip", "application/json", "application/xml", "application/yaml"),
    actions=[*(Action(label, _starter(kind)) for kind, label in FORMATS.items()), Action(_ABOUT, tell_formats)],
    jobs={KIND: JobKind(write, view, describe)},
)
