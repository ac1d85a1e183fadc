"""Menus: `/start`, `/menu`, `/cancel` and the buttons that open a menu, go back, or stand for a command."""

from beseda.core.chat import ChatKind
from beseda.engine.chat_state import ChatState, find_state, keep_state
from beseda.engine.context import Context
from beseda.engine.incoming import Press
from beseda.engine.menu import HOME, ROOT, MenuStep
from beseda.engine.router import Handler, Router
from beseda.locales import Text
from beseda.telegram.keyboards import Markup

router = Router()

_CHOOSE = Text("menu.choose")
_INSIDE = Text("menu.inside")
_MAIN = Text("menu.main")
_LEFT = Text("menu.left")
_NOTHING = Text("menu.nothing")


def is_private(context: Context) -> bool:
    """Return whether the event is of a private chat, in which keys below the input field belong to one person."""
    return context.event.place.kind is ChatKind.PRIVATE


def menu_markup(context: Context, place: str) -> Markup:
    """Return the buttons of a menu in the language of the person."""
    return context.bot.handlers.menus.markup(place, context.language, private=is_private(context))


@router.command("start", wordless=True)
async def greet(context: Context) -> None:
    """Greet and show the main menu, in no mode."""
    await keep_state(context, ChatState())
    await context.reply(context.say(context.bot.profile.greeting), menu_markup(context, ROOT))


@router.command("menu", wordless=True)
async def show_menu(context: Context) -> None:
    """Show the main menu, and the mode that stays on."""
    state = await find_state(context)
    if not state.mode:
        await show_state(context, ChatState())
        return
    mode = context.bot.handlers.modes[state.mode]
    text = context.say(_MAIN, title=context.say(HOME), mode=context.say(mode.button))
    await context.reply(text, menu_markup(context, ROOT))


@router.command("cancel", wordless=True)
async def cancel(context: Context) -> None:
    """End everything that is being made for the person here, or else leave the mode for the main menu."""
    if await context.bot.jobs.cancel_all(context):
        return  # the message of each work says that it was stopped
    state = await find_state(context)
    await keep_state(context, ChatState())
    text = _NOTHING if state == ChatState() else _LEFT
    await context.reply(context.say(text), menu_markup(context, ROOT))


async def show_state(context: Context, state: ChatState) -> None:
    """Remember and show a menu, or the mode with its invitation and the menu that it stands in."""
    await keep_state(context, state)
    menus = context.bot.handlers.menus
    if state.mode:
        mode = context.bot.handlers.modes[state.mode]
        fields = {"mode": context.say(mode.button), "invitation": context.say(mode.invitation)}
        text = context.say(_INSIDE, **fields)
    else:
        title = menus.title(state.menu) if state.menu else HOME
        text = context.say(_CHOOSE, title=context.say(title))
    await context.reply(text, menu_markup(context, state.menu))


async def take_step(context: Context, step: MenuStep) -> None:
    """Perform the step of a button."""
    menus = context.bot.handlers.menus
    match step.kind:
        case "menu":
            await show_state(context, ChatState(step.name if menus.has(step.name) else ROOT))
        case "back":
            state = await find_state(context)
            await show_state(context, ChatState(state.menu if state.mode else ROOT))
        case "command":
            if (handler := context.bot.handlers.commands.get(step.name)) is not None:
                await handler(context)
        case "action":
            await _act(context, step.name)
        case _:
            if step.name in context.bot.handlers.modes:
                await show_state(context, ChatState(menus.home_of(step.name), step.name))


async def _act(context: Context, name: str) -> None:
    mode, _, number = name.rpartition(".")
    actions = context.bot.handlers.modes[mode].actions if mode in context.bot.handlers.modes else ()
    if number.isdigit() and int(number) < len(actions):
        await actions[int(number)].run(context)


def _press(kind: str) -> Handler:
    async def press(context: Context) -> None:
        assert isinstance(context.event, Press)  # noqa: S101 - the router's promise, for the type checker
        await context.acknowledge()
        if await context.bot.jobs.resume(context):
            return
        await take_step(context, MenuStep(kind, context.event.data.partition(":")[2]))

    return press


for _kind in ("menu", "back", "command", "action"):
    router.press(_kind)(_press(_kind))
