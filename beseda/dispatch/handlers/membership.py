"""Who blocked the bot, and groups that put it out: noted in the log, nobody to answer."""

import logging

from beseda.dispatch.context import Context
from beseda.dispatch.events import Membership
from beseda.dispatch.router import Router

router = Router()
log = logging.getLogger(__name__)


@router.on(Membership)
async def note_membership(context: Context) -> None:
    """Note the change."""
    assert isinstance(context.event, Membership)  # noqa: S101
    log.info("chat %d %s the bot", context.event.place.chat.chat_id, "lets in" if context.event.present else "left")
