"""`/clear`: asks for confirmation, then deletes the conversation."""

from beseda.engine.content import may_act_for
from beseda.engine.context import Context, argument
from beseda.engine.incoming import Press
from beseda.engine.router import Router
from beseda.locales import Text
from beseda.telegram.keyboards import Button

router = Router()

_ASK = Text("clear.ask")
_YES = Text("clear.yes")
_NO = Text("clear.no")
_DONE = Text("clear.done")
_KEPT = Text("clear.kept")
_NOT_YOURS = Text("clear.not_yours")


@router.command("clear", wordless=True)
async def ask_to_clear(context: Context) -> None:
    """Ask before anything is lost."""
    who = context.person.id
    buttons = [Button(context.say(_YES), f"clear:yes:{who}"), Button(context.say(_NO), f"clear:no:{who}")]
    await context.reply(context.say(_ASK), [buttons])


@router.press("clear")
async def clear(context: Context) -> None:
    """Wipe the conversation, or leave it."""
    assert isinstance(context.event, Press)  # noqa: S101
    choice, who = argument(context.event.data)
    if not may_act_for(context.person, int(who)):
        await context.acknowledge(context.say(_NOT_YOURS), alert=True)
        return
    await context.acknowledge()
    if choice == "yes":
        await context.bot.memory.wipe(await context.conversation())
    await context.replace_text(context.say(_DONE if choice == "yes" else _KEPT))
