"""The way every sending method goes: chat, reply, thread, keyboard, flood control, then the message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from beseda.sandbox.chats import make_reference
from beseda.sandbox.refusals import bad_request
from beseda.sandbox.validation import check_caption, check_markup, read_markup

if TYPE_CHECKING:
    from beseda.sandbox.chats import Dialog, Json, StoredMessage
    from beseda.sandbox.realm import Call


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where a message goes and what it has besides its content."""

    dialog: Dialog
    head: Json
    markup: Json | None


def prepare(call: Call) -> Delivery:
    """Read the parameters all sending methods share; raises ApiRefusalError in Telegram's order of checks."""
    reply = _read_reply(call)
    markup = read_markup(call.params)
    dialog = call.realm.world.find_chat(call.bot, call.params.text("chat_id"))
    replied = _find_replied(call, dialog, reply)
    head = _make_head(dialog, replied, call.params.integer("message_thread_id"))
    if reply and replied and reply.get("quote"):
        head["quote"] = _check_quote(reply, replied)
    if call.params.boolean("protect_content"):
        head["has_protected_content"] = True
    return Delivery(dialog, head, markup)


def deliver(call: Call, delivery: Delivery, content: Json) -> Json:
    """Send one message and return it as the Bot API does; raises ApiRefusalError."""
    return deliver_all(call, delivery, [content])[0]


def deliver_all(call: Call, delivery: Delivery, contents: list[Json]) -> list[Json]:
    """Send several messages at once; raises ApiRefusalError before any of them is sent."""
    realm, dialog = call.realm, delivery.dialog
    realm.world.check_not_blocked(dialog)
    check_markup(delivery.markup, is_private=dialog.is_private)
    realm.flood.check(call.bot.username, dialog.chat_id, weight=len(contents))
    return [
        realm.world.add_bot_message(call.bot, dialog, {**delivery.head, **content}, delivery.markup).message
        for content in contents
    ]


def read_caption(call: Call) -> Json:
    """Caption and its entities as message fields; raises ApiRefusalError."""
    params = call.params
    entities = params.decode_json("caption_entities", "caption entities")
    caption = call.realm.judge.format(params.text("caption"), params.text("parse_mode"), entities)
    check_caption(caption)
    fields: Json = {"caption": caption.text} if caption.text else {}
    if caption.entities:
        fields["caption_entities"] = caption.entities
    if caption.text and params.boolean("show_caption_above_media"):
        fields["show_caption_above_media"] = True
    return fields


def find_message(call: Call, what: str, *, chat_name: str = "chat_id") -> tuple[Dialog, StoredMessage]:
    """The message a method works on; raises ApiRefusalError "<what> not found"."""
    dialog = call.realm.world.find_chat(call.bot, call.params.text(chat_name))
    stored = dialog.messages.get(call.params.integer("message_id"))
    if stored is None:
        raise bad_request(f"{what} not found")
    return dialog, stored


def _read_reply(call: Call) -> Json | None:
    params = call.params
    reply = params.decode_json("reply_parameters", "reply parameters")
    if reply is None:
        number = params.integer("reply_to_message_id")
        without = params.boolean("allow_sending_without_reply")
        return {"message_id": number, "allow_sending_without_reply": without} if number > 0 else None
    if not isinstance(reply, dict):
        raise bad_request("object expected as reply parameters")
    return reply


def _find_replied(call: Call, dialog: Dialog, reply: Json | None) -> StoredMessage | None:
    if reply is None:
        return None
    chat_id = str(reply.get("chat_id") or dialog.chat_id)
    source = dialog if chat_id == str(dialog.chat_id) else call.realm.world.find_chat(call.bot, chat_id)
    stored = source.messages.get(_to_int(reply.get("message_id")))
    if stored is None and not reply.get("allow_sending_without_reply"):
        raise bad_request("message to be replied not found")
    return stored


def _make_head(dialog: Dialog, replied: StoredMessage | None, thread_id: int) -> Json:
    head: Json = {}
    if thread_id > 0 and not dialog.has_topic(thread_id):
        raise bad_request("message thread not found")
    if thread_id <= 0 and replied is not None and dialog.has_topic(replied.message.get("message_thread_id", 0)):
        thread_id = replied.message["message_thread_id"]
    if thread_id > 0:
        head["message_thread_id"] = thread_id
    if replied is not None:
        head["reply_to_message"] = make_reference(replied.message)
    return head


def _check_quote(reply: Json, replied: StoredMessage) -> Json:
    quote = str(reply["quote"])
    text = replied.message.get("text") or replied.message.get("caption") or ""
    if quote not in text:
        raise bad_request("QUOTE_TEXT_INVALID")
    return {"text": quote, "position": _to_int(reply.get("quote_position")), "is_manual": True}


def _to_int(value: object) -> int:
    try:
        return int(str(value or 0))
    except ValueError:
        return 0
