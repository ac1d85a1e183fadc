"""`/clear`: asks, then wipes what was said."""

from beseda.dispatch.context import Context, argument
from beseda.dispatch.events import Press
from beseda.dispatch.router import Router
from beseda.dispatch.speaker import may_act_for
from beseda.kit.texts import Text
from beseda.telegram.base import Button

router = Router()

_ASK = Text(
    ru="Стереть весь наш разговор? Вернуть его будет нельзя.",
    en="Erase our whole conversation? It cannot be brought back.",
)
_YES = Text(ru="🗑 Стереть", en="🗑 Erase")
_NO = Text(ru="Оставить", en="Keep it")
_DONE = Text(ru="Готово, начинаем с чистого листа.", en="Done, we start with a clean page.")
_KEPT = Text(ru="Хорошо, всё осталось на месте.", en="All right, everything stays.")
_NOT_YOURS = Text(ru="Эта кнопка не для вас: её вызвал другой участник.", en="Only the person who asked can answer.")


@router.command("clear")
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
        await context.desk.memory.wipe(await context.conversation())
    await context.replace_text(context.say(_DONE if choice == "yes" else _KEPT))
