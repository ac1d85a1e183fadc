"""`/history`: a person's files, newest first, to be sent again or deleted, one or all."""

from collections.abc import Awaitable, Callable, Mapping
from zoneinfo import ZoneInfo

from beseda.core.chat import ChatKind
from beseda.core.errors import NotFoundError
from beseda.engine.context import Context, argument
from beseda.engine.files.model import FileKind, FileOwner, FilePage, StoredFile
from beseda.engine.incoming import Press
from beseda.engine.router import Router
from beseda.locales import Text
from beseda.locales.errors import explain
from beseda.telegram.keyboards import Button, Keyboard
from beseda.telegram.markdown.escape import literal
from beseda.telegram.part import Media, MediaKind

router = Router()

_PER_PAGE = 5
_HEAD = Text("files.head")
_EMPTY = Text("files.empty")
_CARD = Text("files.card")
_SEND = Text("files.send")
_DELETE = Text("files.delete")
_ALL = Text("files.all")
_BACK = Text("files.back")
_SURE = Text("files.sure")
_YES = Text("files.yes")
_NO = Text("files.no")
_DELETED = Text("files.deleted")
_WIPED = Text("files.wiped")
_NOT_YOURS = Text("files.not_yours")
_IN_PRIVATE = Text("files.in_private")
_ICONS = {FileKind.TRANSCRIPT: "📄", FileKind.DOCUMENT: "📝", FileKind.PHOTO: "🖼", FileKind.AUDIO: "🔊"}
_UNITS = Text("files.units")


async def keep_private(context: Context) -> bool:
    """Return whether this is a private chat. In a group, which others can read, reply with the place to ask instead."""
    if context.event.place.kind is ChatKind.PRIVATE:
        return True
    await context.reply(context.say(_IN_PRIVATE, username=literal(context.bot.me.username)))
    return False


@router.command("history", wordless=True)
async def show_history(context: Context) -> None:
    """Show the newest files."""
    if not await keep_private(context):
        return
    markdown, keyboard = await _list(context, 0)
    await context.reply(markdown, keyboard)


@router.press("history")
async def handle_history(context: Context) -> None:
    """Turn a page, show a file's buttons, send it, delete one or all. Only the owner of the files may do so."""
    assert isinstance(context.event, Press)  # noqa: S101 - the router's promise, for the type checker
    who, choice, *numbers = argument(context.event.data)
    if str(context.person.id) != who:
        await context.acknowledge(context.say(_NOT_YOURS), alert=True)
        return
    number = int(numbers[0]) if numbers else 0
    page = int(numbers[1]) if len(numbers) > 1 else 0
    try:
        await _CHOICES[choice](context, number, page)
    except NotFoundError as error:
        await context.acknowledge(explain(error, context.language))
        await _show_page(context, page, 0)


async def _show_page(context: Context, number: int, _: int) -> None:
    await context.acknowledge()
    await context.replace_text(*await _list(context, number))


async def _show_card(context: Context, number: int, page: int) -> None:
    file = await context.bot.files.find(number, _owner(context))
    await context.acknowledge()
    send = Button(context.say(_SEND), _data(context, "send", number, page))
    drop = Button(context.say(_DELETE), _data(context, "drop", number, page))
    back = Button(context.say(_BACK), _data(context, "page", page))
    await context.replace_text(context.say(_CARD, line=_line(context, file)), [[send, drop], [back]])


async def _send(context: Context, number: int, _: int) -> None:
    file = await context.bot.files.find(number, _owner(context))
    await context.bot.files.open_path(file)
    await context.acknowledge()
    await context.reply(literal(file.title), media=[_media(file)])


async def _drop(context: Context, number: int, page: int) -> None:
    await context.bot.files.delete(number, _owner(context))
    await context.acknowledge(context.say(_DELETED))
    await context.replace_text(*await _list(context, page))


async def _ask_to_wipe(context: Context, *_: int) -> None:
    await context.acknowledge()
    used = await context.bot.files.used(_owner(context))
    yes = Button(context.say(_YES), _data(context, "wiped"))
    no = Button(context.say(_NO), _data(context, "page", 0))
    text = context.say(_SURE, count=used.count, size=write_size(used.size, context.language))
    await context.replace_text(text, [[yes, no]])


async def _wipe(context: Context, *_: int) -> None:
    await context.acknowledge()
    gone = await context.bot.files.delete_all(_owner(context))
    await context.replace_text(context.say(_WIPED, count=gone.count, size=write_size(gone.size, context.language)))


_CHOICES: Mapping[str, Callable[[Context, int, int], Awaitable[None]]] = {
    "page": _show_page,
    "file": _show_card,
    "send": _send,
    "drop": _drop,
    "wipe": _ask_to_wipe,
    "wiped": _wipe,
}


async def _list(context: Context, number: int) -> tuple[str, Keyboard]:
    page = await context.bot.files.list(_owner(context), page=number, size=_PER_PAGE)
    if not page.files:
        return context.say(_EMPTY), ()
    first = page.number * _PER_PAGE + 1
    lines = [f"{place}. {_line(context, file)}" for place, file in enumerate(page.files, first)]
    size = write_size(page.sum.size, context.language)
    # Two spaces: each in a line of its own, and no list whose numbers would begin anew.
    text = context.say(_HEAD, count=page.sum.count, size=size, lines="  \n".join(lines).replace(". ", "\\. "))
    return text, _buttons(context, page, first)


def _buttons(context: Context, page: FilePage, first: int) -> Keyboard:
    numbers = [
        Button(str(place), _data(context, "file", file.id, page.number)) for place, file in enumerate(page.files, first)
    ]
    turns = []
    if page.number > 0:
        turns.append(Button("◀️", _data(context, "page", page.number - 1)))
    if page.pages > 1:
        turns.append(Button(f"{page.number + 1}/{page.pages}", _data(context, "page", page.number)))
    if page.number + 1 < page.pages:
        turns.append(Button("▶️", _data(context, "page", page.number + 1)))
    return [numbers, *([turns] if turns else []), [Button(context.say(_ALL), _data(context, "wipe"))]]


def _data(context: Context, choice: str, *numbers: int) -> str:
    return ":".join(["history", str(context.person.id), choice, *map(str, numbers)])


def _owner(context: Context) -> FileOwner:
    return FileOwner(context.bot.profile.name, context.person.id)


def _line(context: Context, file: StoredFile) -> str:
    size = write_size(file.size, context.language)
    zone = context.bot.profile.time_zone
    made = file.created_at.astimezone(ZoneInfo(zone or "UTC"))
    # An hour of a zone that nobody has chosen would be read as the hour here.
    when = f"{made:%d.%m.%Y %H:%M}" if zone and zone != "UTC" else f"{made:%d.%m.%Y}"
    return f"{_ICONS[file.kind]} {literal(file.title)} · {size} · {when}"


def _media(file: StoredFile) -> Media:
    return Media(MediaKind.DOCUMENT, file.path, file.download_name)


def write_size(size: int, language: str) -> str:
    """Return a number of bytes as people read it."""
    amount, units = float(size), _UNITS.say(language).split()
    while amount >= 1024 and len(units) > 1:
        amount, units = amount / 1024, units[1:]
    return f"{amount:.0f} {units[0]}" if amount >= 10 or amount == int(amount) else f"{amount:.1f} {units[0]}"
