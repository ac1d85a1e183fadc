"""`/mydata` and `/forget`: export or erasure of the data that a bot keeps of a person."""

from beseda.engine.content import may_act_for
from beseda.engine.context import Context, argument
from beseda.engine.files.model import FileOwner
from beseda.engine.handlers.history import keep_private, write_size
from beseda.engine.incoming import Press
from beseda.engine.router import Router
from beseda.features.personal_data.service import NameStates, PersonalDataService
from beseda.locales import Text
from beseda.telegram.keyboards import Button
from beseda.telegram.part import Media, MediaKind

router = Router()

_VOLUME = Text("personal_data.volume")
_SENT = Text("personal_data.sent")
_ASK = Text("personal_data.ask")
_YES = Text("personal_data.yes")
_NO = Text("personal_data.no")
_KEPT = Text("personal_data.kept")
_DONE = Text("personal_data.done")
_NOT_YOURS = Text("personal_data.not_yours")
# What handlers and modes keep of a chat in the state store.
_STATES = ("mode", "offer", "photo", "transcript", "model", "sales", "catalogue")


@router.command("mydata", wordless=True)
async def hand_over(context: Context, personal_data: PersonalDataService) -> None:
    """Send all of it as zip files; none stays with us."""
    if not await keep_private(context):
        return
    async with context.typing(), personal_data.export(_owner(context), _name_states(context)) as volumes:
        async for volume in volumes:
            media = Media(MediaKind.DOCUMENT, str(volume.path.absolute()), f"my-data-{volume.number}.zip")
            caption = context.say(_VOLUME, number=volume.number)
            await context.post(caption, [media])
    await context.reply(context.say(_SENT))


@router.command("forget", wordless=True)
async def ask_to_forget(context: Context) -> None:
    """Ask before anything is lost."""
    who = context.person.id
    buttons = [Button(context.say(_YES), f"forget:yes:{who}"), Button(context.say(_NO), f"forget:no:{who}")]
    await context.reply(context.say(_ASK), [buttons])


@router.press("forget")
async def forget(context: Context, personal_data: PersonalDataService) -> None:
    """Erase the data and report the amounts, or keep it if the person declines."""
    assert isinstance(context.event, Press)  # noqa: S101 - the router's promise, for the type checker
    choice, who = argument(context.event.data)
    if not may_act_for(context.person, int(who)):
        await context.acknowledge(context.say(_NOT_YOURS), alert=True)
        return
    await context.acknowledge()
    if choice != "yes":
        await context.replace_text(context.say(_KEPT))
        return
    gone = await personal_data.forget(FileOwner(context.bot.profile.name, int(who)), _name_states(context))
    size = write_size(gone.file_bytes, context.language)
    fields = {"messages": gone.messages, "files": gone.files, "size": size, "jobs": gone.jobs}
    await context.replace_text(context.say(_DONE, **fields))


def _name_states(context: Context) -> NameStates:
    return lambda chat: [context.state_key(name, chat) for name in _STATES]


def _owner(context: Context) -> FileOwner:
    return FileOwner(context.bot.profile.name, context.person.id)
