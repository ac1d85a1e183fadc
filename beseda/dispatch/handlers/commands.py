"""What each command does, in the words of the menu; a bot's folder may add its own."""

from beseda.domain.bot import BotProfile
from beseda.kit.texts import Text

COMMANDS: dict[str, Text] = {
    "start": Text(ru="поздороваться", en="say hello"),
    "help": Text(ru="что я умею", en="what I can do"),
    "clear": Text(ru="начать разговор заново", en="start the conversation afresh"),
    "stats": Text(ru="сколько мы наговорили", en="how much we have talked"),
    "stop": Text(ru="остановить ответ", en="stop the answer"),
}


def describe(profile: BotProfile, command: str) -> Text:
    """Return what a command does: the bot's own words where its folder has them, else the common ones."""
    return profile.texts.get(command) or COMMANDS[command]
