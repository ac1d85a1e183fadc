"""`/start` and `/help`: an introduction of the bot and a list of its abilities."""

from beseda.engine.bot import BotProfile
from beseda.engine.context import Context
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


COMMANDS: dict[str, Text] = {
    "start": Text("commands.start"),
    "help": Text("commands.help"),
    "clear": Text("commands.clear"),
    "stats": Text("commands.stats"),
    "stop": Text("commands.stop"),
}

# Of bots with modes, and of those whose folder names them.
MORE_COMMANDS: dict[str, Text] = {
    "menu": Text("commands.menu"),
    "cancel": Text("commands.cancel"),
    "history": Text("commands.history"),
    "mydata": Text("commands.mydata"),
    "meetings": Text("commands.meetings"),
    "contact": Text("commands.contact"),
    "consent": Text("commands.consent"),
    "subscribe": Text("commands.subscribe"),
    "unsubscribe": Text("commands.unsubscribe"),
    "forget": Text("commands.forget"),
}
KNOWN = COMMANDS | MORE_COMMANDS


def describe(profile: BotProfile, command: str) -> Text:
    """Return the description of a command: that of the bot's folder, or else the common one."""
    return profile.texts.get(command) or KNOWN[command]
