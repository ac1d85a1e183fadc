"""Methods that send and delete texts, show drafts, and show that the bot is typing."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from botapi_sandbox.chats import ShownDraft
from botapi_sandbox.methods.content import complete_text, parse_text
from botapi_sandbox.methods.delivery import deliver, find_message, find_messages, prepare, read_message_ids
from botapi_sandbox.refusals import bad_request
from botapi_sandbox.validation import MAX_TEXT_UNITS

if TYPE_CHECKING:
    from botapi_sandbox.chats import Dialog, DialogMessage, Json
    from botapi_sandbox.services import Handler, MethodCall

_ACTION_NAMES = (
    "typing upload_photo record_video upload_video record_voice upload_voice record_audio upload_audio upload_document "
    "cancel choose_sticker find_location record_video_note upload_video_note"
)
_ACTIONS = frozenset(_ACTION_NAMES.split())
_ACTION_SECONDS = 5  # #sendchataction
_DRAFT_SECONDS = 30  # #sendmessagedraft


async def send_message(call: MethodCall) -> Json:
    """#sendmessage"""
    parsed = parse_text(call)
    delivery = prepare(call)
    return deliver(call, delivery, complete_text(call, parsed))


async def send_chat_action(call: MethodCall) -> bool:
    """#sendchataction"""
    action = call.params.text("action").lower()
    if action not in _ACTIONS:
        raise bad_request("wrong parameter action in request")
    dialog = call.find_chat()
    call.services.state.check_not_blocked(dialog)
    seconds = 0 if action == "cancel" else _ACTION_SECONDS
    dialog.typing_until = time.monotonic() + seconds
    call.services.events.publish(dialog.key, "typing", action=action, expires_in=seconds)
    return True


async def delete_message(call: MethodCall) -> bool:
    """#deletemessage"""
    if not call.params.text("chat_id"):
        raise bad_request("chat identifier is not specified")
    if not call.params.integer("message_id"):
        raise bad_request("message identifier is not specified")
    dialog, stored = find_message(call, "message to delete")
    _check_may_delete(call, dialog, stored)
    call.services.state.delete_messages(dialog, [stored.message["message_id"]])
    return True


async def delete_messages(call: MethodCall) -> bool:
    """#deletemessages: those that cannot be found are skipped; one that may not be deleted keeps them all."""
    numbers = read_message_ids(call)
    dialog = call.find_chat()
    found = find_messages(dialog, numbers)
    for stored in found:
        _check_may_delete(call, dialog, stored)
    call.services.state.delete_messages(dialog, [stored.message["message_id"] for stored in found])
    return True


def _check_may_delete(call: MethodCall, dialog: Dialog, stored: DialogMessage) -> None:
    # In a group a bot without rights deletes only what it sent itself.
    if not dialog.is_private and stored.bot is not call.bot and not dialog.is_administrator(call.bot):
        raise bad_request("message can't be deleted")


async def send_message_draft(call: MethodCall) -> bool:
    """#sendmessagedraft"""
    params, services = call.params, call.services
    entities = params.decode_json("entities", "entities")
    parsed = services.parser.parse(params.text("text"), params.text("parse_mode"), entities)
    dialog = call.find_chat()
    thread_id = params.integer("message_thread_id")
    if thread_id > 0 and not dialog.has_topic(thread_id):
        raise bad_request("message thread not found")
    text = services.parser.complete(parsed)
    if not dialog.is_private:
        raise bad_request("TEXTDRAFT_PEER_INVALID")
    services.state.check_not_blocked(dialog)
    if params.integer("draft_id") == 0:
        raise bad_request("RANDOM_ID_INVALID")
    if text.units > MAX_TEXT_UNITS:
        raise bad_request("message is too long")
    draft = ShownDraft(
        params.integer("draft_id"),
        text.text,
        text.entities,
        params.boolean("can_stop"),
        params.boolean("keep_on_stop"),
        thread_id if thread_id > 0 else None,
    )
    if dialog.draft is not None and dialog.draft.timer is not None:
        dialog.draft.timer.cancel()
    draft.timer = asyncio.get_running_loop().call_later(_DRAFT_SECONDS, services.state.end_draft, dialog)
    dialog.draft = draft
    services.events.publish(dialog.key, "draft", draft=draft.to_view())
    return True


METHODS: dict[str, Handler] = {
    "sendMessage": send_message,
    "sendMessageDraft": send_message_draft,
    "sendChatAction": send_chat_action,
    "deleteMessage": delete_message,
    "deleteMessages": delete_messages,
}
