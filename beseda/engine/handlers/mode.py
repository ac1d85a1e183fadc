"""Input while a bot has modes: a button's label, input for the active mode, or input for another mode."""

from dataclasses import replace

from beseda.engine.chat_state import ChatState, find_offer, find_state, keep_offer, keep_state
from beseda.engine.context import Context, argument
from beseda.engine.handlers.chat import answer_words
from beseda.engine.handlers.menu import show_state, take_step
from beseda.engine.identify import identify
from beseda.engine.incoming import IncomingMessage, MessageKind, Press
from beseda.engine.modes import ModeInput
from beseda.engine.router import Router
from beseda.locales import Text
from beseda.telegram.keyboards import Button

router = Router()

_HEARD = frozenset({MessageKind.VOICE, MessageKind.VIDEO_NOTE, MessageKind.AUDIO})
_OFFER = Text("mode.offer")
_NOT_TAKEN = Text("mode.not_taken")
_OFFER_HOME = Text("mode.offer_home")


@router.message(
    MessageKind.TEXT,
    MessageKind.VOICE,
    MessageKind.VIDEO_NOTE,
    MessageKind.AUDIO,
    MessageKind.VIDEO,
    MessageKind.PHOTO,
    MessageKind.DOCUMENT,
)
async def take_input(context: Context) -> None:
    """Perform the step of a label, run the mode, offer another mode, or have the model answer."""
    event = context.event
    assert isinstance(event, IncomingMessage)  # noqa: S101 - the router's promise, for the type checker
    if await context.bot.jobs.resume(context):
        return
    step = context.bot.handlers.menus.find(event.text) if event.kind is MessageKind.TEXT else None
    if step is not None:
        await take_step(context, step)
        return
    state, material = await find_state(context), await _take(context, event)
    mode = context.bot.handlers.modes.get(state.mode)
    if mode is not None and mode.suits(material, entered=True):
        await mode.run(context, material)
    elif event.kind is MessageKind.TEXT:
        await context.ask(await context.words())
    elif mode is None and event.kind in _HEARD and context.bot.profile.voice:
        await context.bot.handlers.listener(context, None)
    else:
        await _offer(context, state, material)


async def _take(context: Context, event: IncomingMessage) -> ModeInput:
    """Return the input of a message. A document of unknown type is identified by its content."""
    material = ModeInput.of(event)
    if material.attachment is None:
        return material
    return replace(material, attachment=await identify(context.bot.api, material.attachment))


async def _offer(context: Context, state: ChatState, material: ModeInput) -> None:
    """Reply with a button for each mode that accepts this. If no mode is active and only one fits, start it
    immediately.
    """
    event, modes = context.event, context.bot.handlers.modes
    assert isinstance(event, IncomingMessage)  # noqa: S101
    fitting = [name for name, mode in modes.items() if mode.suits(material)]
    if not fitting and (event.text or event.quoted):
        await answer_words(context)
        return
    if not fitting:
        await context.reply(
            context.say(_NOT_TAKEN, modes=", ".join(context.say(mode.button) for mode in modes.values()))
        )
        return
    if len(fitting) == 1 and not state.mode:
        await _enter(context, fitting[0], material)
        return
    await keep_offer(context, event.message_id, material)
    buttons = [[Button(context.say(modes[name].button), f"mode:{name}:{event.message_id}")] for name in fitting]
    mode = modes.get(state.mode)
    text = context.say(_OFFER, mode=context.say(mode.button)) if mode else context.say(_OFFER_HOME)
    await context.reply(text, buttons)


async def _enter(context: Context, name: str, material: ModeInput) -> None:
    """Switch to a mode and have it work."""
    await keep_state(context, ChatState(context.bot.handlers.menus.home_of(name), name))
    await context.bot.handlers.modes[name].run(context, material)


@router.press("mode")
async def switch(context: Context) -> None:
    """Switch to the mode of the button. If the button was offered for a file, run the mode on that file."""
    assert isinstance(context.event, Press)  # noqa: S101
    await context.acknowledge()
    if await context.bot.jobs.resume(context):
        return
    name, *offered = argument(context.event.data)
    mode = context.bot.handlers.modes.get(name)
    if mode is None:
        return
    material = await find_offer(context, offered[0]) if offered else None
    if material is None or not mode.suits(material):
        await show_state(context, ChatState(context.bot.handlers.menus.home_of(name), name))
        return
    await _enter(context, name, material)
