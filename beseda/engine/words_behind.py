"""Words behind a command that takes none: they are a question, answered after the command has done its work."""

import re
from collections.abc import Awaitable, Callable

from beseda.engine.context import Context
from beseda.engine.incoming import IncomingMessage

# https://core.telegram.org/bots/features#deep-linking
_PAYLOAD = re.compile(r"[A-Za-z0-9_-]{1,64}")


def read_payload(context: Context) -> str:
    """Return the payload of the link by which a person started the bot, or an empty string if there is none."""
    words = _words_behind(context)
    return words if _PAYLOAD.fullmatch(words) else ""


def find_question(context: Context) -> str:
    """Return the text behind a command. For `/start` it is empty if the text is the payload of a link."""
    event, words = context.event, _words_behind(context)
    is_payload = isinstance(event, IncomingMessage) and event.command == "start" and _PAYLOAD.fullmatch(words)
    return "" if is_payload else words


async def answer_behind(context: Context, handler: Callable[[Context], Awaitable[None]]) -> None:
    """Run the handler of a command, then have the model answer the words behind it.

    The replies of the command are turns beside that of the question. After a crash within that turn the command is not
    run again. A bot with modes has no model for plain words.
    """
    words = "" if context.bot.handlers.modes else find_question(context)
    if not words:
        await handler(context)
        return
    if await context.turn() is None:
        context.replies_beside = True
        await handler(context)
        context.replies_beside = False
    await context.ask(await context.words(words))


def _words_behind(context: Context) -> str:
    event = context.event
    return "".join(event.text.split(maxsplit=1)[1:]) if isinstance(event, IncomingMessage) and event.command else ""
