"""Changes that need no answer: people block the bot, groups remove it or move to another id."""

import logging

from beseda.engine.context import Context
from beseda.engine.incoming import Move
from beseda.engine.router import Router

router = Router()
log = logging.getLogger(__name__)


@router.on(Move)
async def follow(context: Context) -> None:
    """Continue the conversation of a group that has become a supergroup."""
    assert isinstance(context.event, Move)  # noqa: S101
    chat = context.event.place.chat
    await context.bot.memory.move(chat, context.event.chat_id)
    log.info("chat %d is chat %d now", chat.chat_id, context.event.chat_id)
