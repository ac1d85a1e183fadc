"""Enhance a photo: before and after side by side, and the result as a file that Telegram does not recompress.

How much larger it gets, and whether only the main face is restored, is chosen with the buttons under a result: the
photo is then done again, and the next ones likewise.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from beseda.core.errors import FileTooLargeError, NotFoundError
from beseda.core.ids import new_id
from beseda.engine.context import BotServices, Context, argument
from beseda.engine.files.model import FileKind, NewFile
from beseda.engine.incoming import MessageKind, Press
from beseda.engine.jobs.base import JobControl
from beseda.engine.jobs.model import Job
from beseda.engine.modes import JobKind, Mode, ModeInput
from beseda.images.base import EnhanceOptions, Enhancer
from beseda.locales import Text
from beseda.locales.errors import error_text
from beseda.modes._sending import as_media, chat_of, language_of, number, owner_of
from beseda.telegram.keyboards import Button, Keyboard
from beseda.telegram.part import MediaKind, Part, write_media

KIND = "photo.enhance"
SCALES = (1, 2, 4)

_AT_WORK = Text("modes.photo.at_work")
_DONE = Text("modes.photo.done")
_BY_MODEL = Text("modes.photo.by_model")
_PLAINLY = Text("modes.photo.plainly")
_SAME = Text("modes.photo.same")
_LARGER = Text("modes.photo.larger")
_FACES = Text("modes.photo.faces")
_COMPARED = Text("modes.photo.compared")
_FILE = Text("modes.photo.file")
_TITLE = Text("modes.photo.title")
_BEFORE = Text("modes.photo.before")
_AUTO = Text("modes.photo.auto")
_MAIN_FACE = Text("modes.photo.main_face")
_NOT_YOURS = Text("modes.photo.not_yours")


async def start(context: Context, material: ModeInput) -> None:
    """Enqueue a photo with the options chosen last; one that is too large for bots is refused."""
    attachment = material.attachment
    if attachment is None:
        return
    try:
        context.bot.api.check_size(attachment.size)
    except FileTooLargeError as error:
        await context.refuse(error)
        return
    chosen = await context.bot.state.get(context.state_key("photo")) or context.bot.settings("photo")
    suffix = ".png" if attachment.mime == "image/png" else ".jpg"
    payload = {"file_id": attachment.file_id, "suffix": suffix, **chosen, "before": new_id(), "after": new_id()}
    await context.bot.jobs.start(context, KIND, payload)


async def enhance(bot: BotServices, job: Job, control: JobControl, enhancer: Enhancer) -> Mapping[str, object]:
    """Fetch the photo, enhance it, keep both."""
    payload = job.request.payload
    folder = bot.options.downloads / f"photo-{new_id()}"
    await asyncio.to_thread(folder.mkdir, parents=True)
    try:
        control.report(0)
        source, target = folder / "source", folder / f"result{payload['suffix']}"
        await bot.api.download(str(payload["file_id"]), source)
        options = EnhanceOptions(number(payload, "scale") or None, bool(payload["only_center_face"]))
        done = await enhancer.enhance(source, target, options)
        await _keep(bot, job, source, before=True)
        await _keep(bot, job, target, before=False)
    finally:
        await asyncio.shield(asyncio.to_thread(_remove, folder))
    return {
        "width": done.width,
        "height": done.height,
        "scale": done.scale,
        "backend": done.backend,
        "faces": done.faces,
    }


async def _keep(bot: BotServices, job: Job, path: Path, *, before: bool) -> None:
    payload = job.request.payload
    title = (_BEFORE if before else _TITLE).say(language_of(job))
    new = NewFile(
        owner=owner_of(job),
        chat_id=chat_of(job),
        kind=FileKind.PHOTO,
        title=title,
        suffix=".jpg" if before else str(payload["suffix"]),
        job_id=job.id,
        id=number(payload, "before" if before else "after"),
    )
    await bot.files.save(new, path)


def _remove(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink(missing_ok=True)
    folder.rmdir()


async def view(bot: BotServices, job: Job, enhancer: Enhancer) -> list[Part]:
    """Return the back-end used, before and after, and the file. Raises NotFoundError if it was deleted since."""
    result, payload, language = job.result or {}, job.request.payload, language_of(job)
    after = await bot.files.find(number(payload, "after"), owner_of(job))
    scale = number(result, "scale")
    enlarged = _LARGER.say(language, scale=scale) if scale > 1 else _SAME.say(language)
    text = _DONE.say(
        language,
        width=result.get("width"),
        height=result.get("height"),
        enlarged=enlarged,
        way=(_BY_MODEL if "gfpgan" in str(result.get("backend")) else _PLAINLY).say(language),
    )
    if result.get("faces") is not None:
        text += _FACES.say(language, faces=result.get("faces"))
    parts = await bot.messenger.compose(text, _keyboard(enhancer, job, language))
    try:
        before = await bot.files.find(number(payload, "before"), owner_of(job))
        pair = [as_media(before, MediaKind.PHOTO), as_media(after, MediaKind.PHOTO)]
        parts.append(Part(0, _COMPARED.say(language), media=write_media(pair)))
    except NotFoundError:
        pass  # deleted meanwhile: the result is what counts
    return [*parts, Part(0, _FILE.say(language), media=write_media([as_media(after)]))]


def _keyboard(enhancer: Enhancer, job: Job, language: str) -> Keyboard:
    payload = job.request.payload
    chosen = number(payload, "scale")
    scales = [(f"×{scale}", scale) for scale in SCALES] + [(_AUTO.say(language), 0)]
    rows = [[Button(_mark(label, on=scale == chosen), f"photo:{scale}:{job.id}") for label, scale in scales]]
    if "gfpgan" in enhancer.name:
        face = _mark(_MAIN_FACE.say(language), on=bool(payload["only_center_face"]))
        rows.append([Button(face, f"photo:face:{job.id}")])
    return rows


def _mark(label: str, *, on: bool) -> str:
    return f"✅ {label}" if on else label


async def do_again(context: Context) -> None:
    """Take the choice of the button for this photo and the next ones, and do the photo again."""
    assert isinstance(context.event, Press)  # noqa: S101 - the router's promise, for the type checker
    if await context.bot.jobs.resume(context):
        return
    choice, name = argument(context.event.data)
    job = await context.bot.jobs.queue.find(int(name))
    if job is None or job.request.bot != context.bot.profile.name:
        await context.acknowledge(error_text(NotFoundError).say(context.language))
        return
    if job.request.user_id != context.person.id:
        await context.acknowledge(context.say(_NOT_YOURS), alert=True)
        return
    await context.acknowledge()
    payload = dict(job.request.payload)
    chosen = {"scale": number(payload, "scale"), "only_center_face": bool(payload["only_center_face"])}
    if choice == "face":
        chosen["only_center_face"] = not chosen["only_center_face"]
    elif choice.isdigit() and int(choice) in {0, *SCALES}:
        chosen["scale"] = int(choice)
    await context.bot.state.set(context.state_key("photo"), dict(chosen))
    fresh = {"before": new_id(), "after": new_id()}
    await context.bot.jobs.start(context, KIND, {**payload, **chosen, **fresh})


mode = Mode(
    button=Text("modes.photo.button"),
    about=Text("modes.photo.about"),
    invitation=Text("modes.photo.invitation"),
    run=start,
    takes=frozenset({MessageKind.PHOTO}),
    documents=("image/",),
    defaults={"scale": 0, "only_center_face": False},
    jobs={KIND: JobKind(enhance, view, lambda _, language: _AT_WORK.say(language))},
    presses={"photo": do_again},
)
