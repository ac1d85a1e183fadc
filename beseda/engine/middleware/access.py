"""Access: with `ADMIN_IDS` set, a bot answers those people only, buttons included, unless its folder opens it."""

from beseda.core.errors import AccessDeniedError
from beseda.engine.bot import Access
from beseda.engine.context import Context
from beseda.engine.incoming import IncomingMessage, Press
from beseda.engine.router import Handler

_REFUSE_AGAIN = 3600.0  # seconds between two refusals to one stranger


async def guard_access(context: Context, handler: Handler) -> None:
    """Let permitted people through. Refuse a stranger's messages once an hour, and their button presses always."""
    if _is_guest(context):
        await handler(context)
        return
    error = AccessDeniedError(f"user {context.person.id}")
    if isinstance(context.event, Press):
        await context.acknowledge(error.say(context.language), alert=True)
    elif await context.bot.cache.add(f"refused:{context.bot.me.id}:{context.person.id}", b"1", ttl=_REFUSE_AGAIN):
        await context.refuse(error)


def _is_guest(context: Context) -> bool:
    bot = context.bot
    if bot.profile.access is not Access.ADMINS or not bot.options.admin_ids:
        return True
    # Only messages and presses are requests of a person. A group that moves has none, and a block asks for nothing.
    return not isinstance(context.event, IncomingMessage | Press) or context.person.id in bot.options.admin_ids
