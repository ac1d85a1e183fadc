"""`/start` and `/help`: what the bot is and what it can do."""

import re

from beseda.dispatch.context import Context
from beseda.dispatch.events import IncomingMessage
from beseda.dispatch.handlers.commands import describe
from beseda.dispatch.router import Router
from beseda.locales import Text
from beseda.telegram.base import Button, Keyboard

router = Router()

_COMMANDS = Text("start.commands")
_MODES = Text("start.modes")
_VOICE = Text("start.voice")
_GROUP = Text("start.group")


# https://core.telegram.org/bots/features#deep-linking
_PAYLOAD = re.compile(r"[A-Za-z0-9_-]{1,64}")


@router.command("start")
async def greet(context: Context) -> None:
    """Greet, and suggest something to ask; words behind the command are answered."""
    if not await answer_words_behind(context):
        await send_greeting(context)


def read_payload(context: Context) -> str:
    """Return the payload of the link by which a person started the bot, empty where there is none."""
    words = _words_behind(context)
    return words if _PAYLOAD.fullmatch(words) else ""


async def answer_words_behind(context: Context) -> bool:
    """Have the model answer words that a person wrote behind a command, and return whether there are any."""
    words = _words_behind(context)
    if not words or _PAYLOAD.fullmatch(words):
        return False
    await context.ask(words)
    return True


def _words_behind(context: Context) -> str:
    event = context.event
    return "".join(event.text.split(maxsplit=1)[1:]) if isinstance(event, IncomingMessage) and event.command else ""


async def send_greeting(context: Context, more: Keyboard = ()) -> None:
    """Greet with the suggestions and `more` buttons under them."""
    profile = context.desk.profile
    keyboard = [[Button(context.say(example), f"ask:{index}")] for index, example in enumerate(profile.examples)]
    await context.reply(context.say(profile.greeting), [*keyboard, *more])


@router.command("help")
async def explain(context: Context) -> None:
    """List what this bot really does; words behind the command are answered."""
    if await answer_words_behind(context):
        return
    profile = context.desk.profile
    lines = [f"/{name} — {context.say(describe(profile, name))}" for name in profile.commands]
    blocks = [context.say(profile.about)]
    if modes := [f"{context.say(mode.button)} — {context.say(mode.about)}" for mode in context.desk.modes.values()]:
        blocks.append(context.say(_MODES) + "\n\n" + "  \n".join(modes))
    blocks.append(context.say(_COMMANDS) + "\n\n" + "  \n".join(lines))
    if profile.voice:
        blocks.append(context.say(_VOICE))
    blocks.append(context.say(_GROUP, username=context.desk.me.username))
    await context.reply("\n\n".join(blocks))
