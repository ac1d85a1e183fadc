"""`/start` and `/help`: an introduction of the bot and a list of its abilities."""

from beseda.engine.context import Context
from beseda.engine.handlers.commands import describe
from beseda.engine.router import Router
from beseda.locales import Text
from beseda.telegram.keyboards import Button, Keyboard

router = Router()

_COMMANDS = Text("start.commands")
_MODES = Text("start.modes")
_VOICE = Text("start.voice")
_GROUP = Text("start.group")


@router.command("start", wordless=True)
async def greet(context: Context) -> None:
    """Greet, and suggest something to ask."""
    await send_greeting(context)


async def send_greeting(context: Context, more: Keyboard = ()) -> None:
    """Greet with the suggestions and `more` buttons under them."""
    profile = context.bot.profile
    keyboard = [[Button(context.say(example), f"ask:{index}")] for index, example in enumerate(profile.examples)]
    await context.reply(context.say(profile.greeting), [*keyboard, *more])


@router.command("help", wordless=True)
async def explain(context: Context) -> None:
    """List the modes and commands of this bot."""
    profile = context.bot.profile
    lines = [f"/{name} — {context.say(describe(profile, name))}" for name in profile.commands]
    blocks = [context.say(profile.about)]
    if modes := [
        f"{context.say(mode.button)} — {context.say(mode.about)}" for mode in context.bot.handlers.modes.values()
    ]:
        blocks.append(context.say(_MODES) + "\n\n" + "  \n".join(modes))
    blocks.append(context.say(_COMMANDS) + "\n\n" + "  \n".join(lines))
    if profile.voice:
        blocks.append(context.say(_VOICE))
    blocks.append(context.say(_GROUP, username=context.bot.me.username))
    await context.reply("\n\n".join(blocks))
