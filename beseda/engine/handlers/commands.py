"""Descriptions of commands, as the menu shows them; a bot's folder may add its own."""

from beseda.engine.bot import BotProfile
from beseda.locales import Text

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
