"""Actions of a person on messages and members: reactions, administrators."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from botapi_sandbox.methods.chats import describe_member
from botapi_sandbox.methods.reactions import check_reaction
from botapi_sandbox.refusals import bad_request

if TYPE_CHECKING:
    from botapi_sandbox.chats import Bot, Dialog, Json
    from botapi_sandbox.services import SandboxServices

_MAX_REACTIONS = 3  # of a person with Telegram Premium


def react(services: SandboxServices, dialog: Dialog, user: Json, fields: Json) -> Json:
    """Replace a person's reactions to a message; `reaction` is an emoji or a list of them.

    Bots that ask for `message_reaction` get it: in a private chat, and in a group as its administrators (#update).
    """
    stored = dialog.messages.get(_read_id(fields.get("message_id")))
    if stored is None or stored.is_service:
        raise bad_request("there is no such message")
    given = fields.get("reaction") or []
    emoji = given if isinstance(given, list) else [given]
    if len(emoji) > _MAX_REACTIONS:
        raise bad_request("REACTIONS_TOO_MANY")
    new = [check_reaction({"type": "emoji", "emoji": one}) for one in emoji]
    old = stored.user_reactions.pop(user["id"], [])
    if new:
        stored.user_reactions[user["id"]] = new
    if old == new:
        return stored.to_view()
    number = stored.message["message_id"]
    services.events.publish(dialog.key, "user_reaction", message_id=number, reactions=new, user_id=user["id"])
    change = {"chat": dialog.chat, "message_id": number, "user": user, "date": int(time.time())}
    for bot in services.state.list_bots(dialog):
        if (dialog.is_private and not dialog.blocked) or dialog.is_administrator(bot):
            update = {**change, "old_reaction": old, "new_reaction": new}
            bot.queue.push("message_reaction", update, dialog.chat_id)
    return stored.to_view()


def _read_id(value: Any) -> int:
    try:
        return int(value or 0)
    except (TypeError, ValueError):
        raise bad_request("message_id must be a number") from None


def set_administrator(services: SandboxServices, dialog: Dialog, user: Json, fields: Json) -> Json:
    """Give a bot an administrator's rights in a group or take them back; the bot gets `my_chat_member`."""
    bot = services.state.find_bot(str(fields.get("bot") or ""))
    if dialog.is_private or bot is None:
        raise bad_request("bot must be known and the dialog a group")
    owner_id = next(iter(services.state.users))
    if user["id"] != owner_id:
        raise bad_request("only the owner of the group can do that")
    old = describe_member(dialog, owner_id, bot.user)
    if fields.get("is_administrator", True):
        dialog.administrators.add(bot.username)
    else:
        dialog.administrators.discard(bot.username)
    new = describe_member(dialog, owner_id, bot.user)
    if old != new:
        _notify(bot, dialog, user, {"old_chat_member": old, "new_chat_member": new})
    return new


def _notify(bot: Bot, dialog: Dialog, user: Json, change: Json) -> None:
    update = {"chat": dialog.chat, "from": user, "date": int(time.time()), **change}
    bot.queue.push("my_chat_member", update, dialog.chat_id)
