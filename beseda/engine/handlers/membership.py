"""Changes that need no answer: people block the bot, groups remove it or move to another id."""

import logging

from beseda.core.chat import ChatKind
from beseda.engine.context import Context
from beseda.engine.incoming import Membership, Move
from beseda.engine.router import Router

router = Router()
log = logging.getLogger(__name__)


@router.on(Membership)
async def note_membership(context: Context) -> None:
    """Log the change. In a private chat, record whether the person blocked the bot, so that no broadcast is sent."""
    assert isinstance(context.event, Membership)  # noqa: S101
    if context.event.place.kind is ChatKind.PRIVATE:
        blocked, subscriptions = not context.event.present, context.bot.broadcasts.subscriptions
        await subscriptions.note_block(context.bot.profile.name, context.person.id, blocked=blocked)
    log.info("chat %d %s the bot", context.event.place.chat.chat_id, "lets in" if context.event.present else "left")


@router.on(Move)
async def follow(context: Context) -> None:
    """Continue the conversation of a group that has become a supergroup."""
    assert isinstance(context.event, Move)  # noqa: S101
    chat = context.event.place.chat
    await context.bot.memory.move(chat, context.event.chat_id)
    log.info("chat %d is chat %d now", chat.chat_id, context.event.chat_id)
