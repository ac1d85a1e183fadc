"""What each command does, in the words of the menu; a bot's folder may add its own."""

from beseda.domain.bot import BotProfile
from beseda.kit.texts import Text

COMMANDS: dict[str, Text] = {
    "start": Text(ru="поздороваться", en="say hello"),
    "help": Text(ru="что я умею", en="what I can do"),
    "clear": Text(ru="начать разговор заново", en="start the conversation afresh"),
    "stats": Text(ru="статистика разговора", en="how much we have talked"),
    "stop": Text(ru="остановить ответ", en="stop the answer"),
}

# Of bots with modes, and of those whose folder names them.
MORE_COMMANDS: dict[str, Text] = {
    "menu": Text(ru="показать меню", en="show the menu"),
    "cancel": Text(ru="отменить и выйти в главное меню", en="cancel, back to the main menu"),
    "history": Text(ru="мои файлы", en="my files"),
    "mydata": Text(ru="скачать всё, что я о вас храню", en="download all that I keep about you"),
    "meetings": Text(ru="мои встречи", en="my meetings"),
    "contact": Text(ru="отправить свой номер телефона", en="send my phone number"),
    "consent": Text(ru="согласие на хранение контактов", en="my consent to keep contacts"),
    "subscribe": Text(ru="получать рассылки", en="get broadcasts"),
    "unsubscribe": Text(ru="не получать рассылки", en="get no broadcasts"),
    "forget": Text(ru="стереть всё, что я о вас храню", en="erase all that I keep about you"),
}
KNOWN = COMMANDS | MORE_COMMANDS


def describe(profile: BotProfile, command: str) -> Text:
    """Return what a command does: the bot's own words where its folder has them, else the common ones."""
    return profile.texts.get(command) or KNOWN[command]
