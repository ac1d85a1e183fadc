"""Opting out of broadcasts: by the button under each, or by command."""

import logging

from beseda.core.chat import ChatKind
from beseda.engine.context import Context
from beseda.engine.incoming import Membership
from beseda.engine.router import Router
from beseda.features.broadcasts.service import BroadcastService
from beseda.locales import Text

log = logging.getLogger(__name__)
router = Router()

_OFF = Text("broadcasts.off")
_ON = Text("broadcasts.on")


@router.command("unsubscribe", wordless=True)
async def unsubscribe(context: Context, broadcasts: BroadcastService) -> None:
    """Send no broadcasts to the person."""
    await context.conversation()  # the person is on record before what they want is
    await broadcasts.subscriptions.opt_out(context.bot.profile.name, context.person.id)
    await context.reply(context.say(_OFF))


@router.command("subscribe", wordless=True)
async def subscribe(context: Context, broadcasts: BroadcastService) -> None:
    """Send them again."""
    await context.conversation()
    await broadcasts.subscriptions.opt_in(context.bot.profile.name, context.person.id)
    await context.reply(context.say(_ON))


@router.press("broadcast")
async def press_opt_out(context: Context, broadcasts: BroadcastService) -> None:
    """Opt the presser out of broadcasts, even if the message was forwarded to them."""
    await context.conversation()
    await broadcasts.subscriptions.opt_out(context.bot.profile.name, context.person.id)
    await context.acknowledge(context.say(_OFF), alert=True)


@router.on(Membership)
async def note_membership(context: Context, broadcasts: BroadcastService) -> None:
    """Log the change. In a private chat, record whether the person blocked the bot, so that no broadcast is sent."""
    assert isinstance(context.event, Membership)  # noqa: S101
    if context.event.place.kind is ChatKind.PRIVATE:
        blocked, subscriptions = not context.event.present, broadcasts.subscriptions
        await subscriptions.note_block(context.bot.profile.name, context.person.id, blocked=blocked)
    log.info("chat %d %s the bot", context.event.place.chat.chat_id, "lets in" if context.event.present else "left")
