from __future__ import annotations

import time
from typing import TYPE_CHECKING

from beseda.sandbox.methods.delivery import deliver, find_message, prepare, read_caption
from beseda.sandbox.refusals import bad_request
from beseda.sandbox.validation import check_text, read_link_preview
from beseda.sandbox.world import MEDIA_KINDS

if TYPE_CHECKING:
    from beseda.sandbox.chats import Json, StoredMessage
    from beseda.sandbox.realm import Call, Handler

_ACTION_NAMES = (
    "typing upload_photo record_video upload_video record_voice upload_voice record_audio upload_audio upload_document "
    "cancel choose_sticker find_location record_video_note upload_video_note"
)
_ACTIONS = frozenset(_ACTION_NAMES.split())
_ACTION_SECONDS = 5  # #sendchataction
_COPIED = ("text", "entities", "caption", "caption_entities", "link_preview_options", *MEDIA_KINDS)
_MAX_IDS = 100


def read_text(call: Call) -> Json:
    """Text, entities and link preview as message fields; raises ApiRefusalError."""
    params = call.params
    if not params.text("text"):
        raise bad_request("message text is empty")
    preview = read_link_preview(params)
    entities = params.decode_json("entities", "entities")
    text = call.realm.judge.format(params.text("text"), params.text("parse_mode"), entities)
    check_text(text)
    content: Json = {"text": text.text}
    if text.entities:
        content["entities"] = text.entities
    if preview is not None:
        content["link_preview_options"] = preview
    return content


async def send_message(call: Call) -> Json:
    """#sendmessage"""
    content = read_text(call)
    return deliver(call, prepare(call), content)


async def send_chat_action(call: Call) -> bool:
    """#sendchataction"""
    action = call.params.text("action").lower()
    if action not in _ACTIONS:
        raise bad_request("wrong parameter action in request")
    dialog = call.realm.world.find_chat(call.bot, call.params.text("chat_id"))
    call.realm.world.check_not_blocked(dialog)
    seconds = 0 if action == "cancel" else _ACTION_SECONDS
    dialog.typing_until = time.monotonic() + seconds
    call.realm.events.publish(dialog.key, "typing", action=action, expires_in=seconds)
    return True


async def forward_message(call: Call) -> Json:
    """#forwardmessage"""
    call.params.required_text("from_chat_id")
    source = find_message(call, "message to forward", chat_name="from_chat_id")[1]
    return deliver(call, prepare(call), _make_forward(source))


def _make_forward(source: StoredMessage) -> Json:
    message = source.message
    origin = message.get("forward_origin") or {
        "type": "user",
        "sender_user": message["from"],
        "date": message["date"],
    }
    return {"forward_origin": origin, **_copy_content(source)}


def _copy_content(source: StoredMessage) -> Json:
    return {name: source.message[name] for name in _COPIED if name in source.message}


async def copy_message(call: Call) -> Json:
    """#copymessage"""
    call.params.required_text("from_chat_id")
    source = find_message(call, "message to copy", chat_name="from_chat_id")[1]
    content = _copy_content(source)
    if call.params.has("caption") and "text" not in content:
        content.pop("caption", None)
        content.pop("caption_entities", None)
        content.update(read_caption(call))
    return {"message_id": deliver(call, prepare(call), content)["message_id"]}


async def delete_message(call: Call) -> bool:
    """#deletemessage"""
    if not call.params.text("chat_id"):
        raise bad_request("chat identifier is not specified")
    if not call.params.integer("message_id"):
        raise bad_request("message identifier is not specified")
    dialog, stored = find_message(call, "message to delete")
    # In a group a bot without rights deletes only what it sent itself.
    if not dialog.is_private and stored.bot is not call.bot:
        raise bad_request("message can't be deleted")
    call.realm.world.delete_messages(dialog, [stored.message["message_id"]])
    return True


async def delete_messages(call: Call) -> bool:
    """#deletemessages: those that cannot be found are skipped."""
    numbers = call.params.decode_json("message_ids", "message_ids")
    if not numbers:
        raise bad_request("message identifiers are not specified")
    if not isinstance(numbers, list):
        raise bad_request("expected an Array of message identifiers")
    if len(numbers) > _MAX_IDS:
        raise bad_request("too many message identifiers specified")
    dialog = call.realm.world.find_chat(call.bot, call.params.text("chat_id"))
    found = [int(number) for number in numbers if str(number).isdigit() and int(number) in dialog.messages]
    own = [number for number in found if dialog.is_private or dialog.messages[number].bot is call.bot]
    call.realm.world.delete_messages(dialog, own)
    return True


METHODS: dict[str, Handler] = {
    "sendMessage": send_message,
    "sendChatAction": send_chat_action,
    "forwardMessage": forward_message,
    "copyMessage": copy_message,
    "deleteMessage": delete_message,
    "deleteMessages": delete_messages,
}
