"""Advice on homes in four styles, over the owner's catalogue: the model talks, the figures are computed here."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from beseda.bots.real_estate.catalogue import FILE_NAME, SAMPLE, CatalogueShelf, PropertyCatalogue
from beseda.bots.real_estate.criteria import read_criteria
from beseda.bots.real_estate.facts import TEXTS, Advice
from beseda.bots.real_estate.housing import is_about_housing
from beseda.core.message import Role
from beseda.engine.context import BotServices, Context, argument
from beseda.engine.handlers.start import send_greeting
from beseda.engine.incoming import Press
from beseda.engine.router import Router
from beseda.engine.turns.model import Turn, TurnState
from beseda.engine.turns.question import Answered, Footer, Question
from beseda.llm.quotation import own_words
from beseda.locales import Text
from beseda.telegram.keyboards import Button, Keyboard

router = Router()

_FOLDER = Path(__file__).parent
_DEFAULT, _EXPERT = "default", "expert"


@dataclass(frozen=True, slots=True)
class TalkMode:
    """A style of conversation: its button, the message when it is chosen, and the instructions for the model."""

    label: Text
    chosen: Text
    instructions: str


def _read_mode(name: str, label: Text, chosen: Text) -> TalkMode:
    return TalkMode(label, chosen, (_FOLDER / "modes" / f"{name}.md").read_text(encoding="utf-8"))


MODES = {
    _EXPERT: _read_mode(
        _EXPERT,
        Text("modes.expert.button", TEXTS),
        Text("modes.expert.about", TEXTS),
    ),
    "friend": _read_mode(
        "friend",
        Text("modes.friend.button", TEXTS),
        Text("modes.friend.about", TEXTS),
    ),
    "critic": _read_mode(
        "critic",
        Text("modes.critic.button", TEXTS),
        Text("modes.critic.about", TEXTS),
    ),
    _DEFAULT: _read_mode(
        _DEFAULT,
        Text("modes.default.button", TEXTS),
        Text("modes.default.about", TEXTS),
    ),
}

_SWITCHED = Text("switched", TEXTS)
_RESET = Text("reset", TEXTS)
_TRY_SAMPLE = Text("try_sample", TEXTS)
_SAMPLE_ON = Text("sample_on", TEXTS)

_shelf = CatalogueShelf()


@router.prepare
async def read_catalogue(bot: BotServices) -> None:
    """Read the owner's file at the start, so that an invalid file is reported before the bot answers."""
    await _shelf.load(bot.options.storage / FILE_NAME)


@router.answer
async def answer(context: Context, question: Question, turn: Turn | None) -> None:
    """Answer in the chosen style. The default style switches to the expert once a message is about housing."""
    mode = await _mode(context)
    switched = mode == _DEFAULT and is_about_housing(question.text)
    style = MODES[_EXPERT if switched else mode]
    instructions = style.instructions
    footer = None
    if switched or mode != _DEFAULT:
        advice = await _advise(context, question)
        instructions = f"{instructions}\n\n{advice.instruct()}"
        footer = _footer_writer(advice, question.language)
    preface = _SWITCHED.say(question.language) if switched else ""
    asked = replace(question, instructions=instructions, preface=preface, footer=footer)
    done = await context.bot.chat.answer(asked, turn)
    if switched and done.state is TurnState.DELIVERED:  # not before: a question asked again is to be read alike
        await _set_mode(context, _EXPERT)


async def _advise(context: Context, question: Question) -> Advice:
    catalogue = await _catalogue(context)
    window = await context.bot.memory.window(question.conversation, context.bot.profile.window - 1)
    said = [own_words(message.content) for message in window if message.role is Role.USER]
    districts = catalogue.districts if catalogue else ()
    before = await asyncio.to_thread(read_criteria, said, districts)  # some 10 ms a long message
    criteria = await asyncio.to_thread(read_criteria, [*said, own_words(question.text)], districts)
    return Advice(criteria, catalogue, criteria != before or is_about_housing(question.text))


def _footer_writer(advice: Advice, language: str) -> Callable[[Answered], Footer]:
    return lambda answered: Footer(advice.describe(answered.said, language))


@router.command("start", wordless=True)
async def start(context: Context) -> None:
    """Clear the conversation and greet with the styles."""
    await _begin_afresh(context)
    keyboard = _mode_keyboard(context)
    if await _catalogue(context) is None:
        keyboard = [*keyboard, [Button(context.say(_TRY_SAMPLE), "catalogue:sample")]]
    await send_greeting(context, keyboard)


@router.command("reset", wordless=True)
async def reset(context: Context) -> None:
    """Clear the conversation, the style and the sample catalogue."""
    await _begin_afresh(context)
    await context.reply(context.say(_RESET), _mode_keyboard(context))


@router.press("mode")
async def choose_mode(context: Context) -> None:
    """Choose the style of the button."""
    name = "".join(argument(context.event.data)) if isinstance(context.event, Press) else ""
    await context.acknowledge()
    if name in MODES:
        await _take_mode(context, name)


@router.press("catalogue")
async def use_sample(context: Context) -> None:
    """Use the sample catalogue in this chat, until it is reset or the owner supplies a real one."""
    await context.acknowledge()
    await context.bot.state.set(context.state_key("catalogue"), {"sample": True})
    catalogue = await _catalogue(context)
    if catalogue is not None:
        fields = {"count": len(catalogue.listings), "districts": ", ".join(catalogue.districts)}
        await context.reply(context.say(_SAMPLE_ON, **fields))


def _mode_command(name: str) -> Callable[[Context], Awaitable[None]]:
    async def choose(context: Context) -> None:
        await _take_mode(context, name)

    return choose


for _name in MODES:
    router.command(f"mode_{_name}", wordless=True)(_mode_command(_name))


async def _take_mode(context: Context, name: str) -> None:
    await _set_mode(context, name)
    mode = MODES[name]
    await context.reply(
        f"**{context.say(mode.label)}**\n\n{context.say(mode.chosen)}", _mode_keyboard(context, chosen=name)
    )


async def _begin_afresh(context: Context) -> None:
    await context.bot.memory.wipe(await context.conversation())
    await context.bot.state.delete(context.state_key("mode"))
    await context.bot.state.delete(context.state_key("catalogue"))


def _mode_keyboard(context: Context, chosen: str = "") -> Keyboard:
    labels = {name: f"{'✅ ' if name == chosen else ''}{context.say(mode.label)}" for name, mode in MODES.items()}
    buttons = [Button(label, f"mode:{name}") for name, label in labels.items()]
    return [buttons[:2], buttons[2:]]


async def _mode(context: Context) -> str:
    state = await context.bot.state.get(context.state_key("mode"))
    name = str(state["name"]) if state else _DEFAULT
    return name if name in MODES else _DEFAULT


async def _set_mode(context: Context, name: str) -> None:
    await context.bot.state.set(context.state_key("mode"), {"name": name})


async def _catalogue(context: Context) -> PropertyCatalogue | None:
    """Return the owner's catalogue, else the sample if this chat has chosen it, else None."""
    own = await _shelf.find(context.bot.options.storage / FILE_NAME)
    if own is not None:
        return own
    asked = await context.bot.state.get(context.state_key("catalogue"))
    return await _shelf.load(SAMPLE, is_sample=True) if asked else None
