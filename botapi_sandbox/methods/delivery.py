"""Sending of messages, shared by all sending methods, in Telegram's order of checks.

The Bot API server reads the parameters and finds chat, topic and the message that is replied to; TDLib looks at the
keyboard and at the content; Telegram's servers look at the rest, and then the message is sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botapi_sandbox.keyboards import check_before_sending, check_on_server, read_markup
from botapi_sandbox.refusals import bad_request
from botapi_sandbox.replies import describe_reply, find_replied, read_reply

if TYPE_CHECKING:
    from collections.abc import Iterable

    from botapi_sandbox.chats import Dialog, DialogMessage, Json
    from botapi_sandbox.services import MethodCall

_MAX_IDS = 100
# The effects that everybody may use in a private chat; Telegram has no list of them in its documentation.
_EFFECTS = frozenset(
    {
        "5104841245755180586",
        "5107584321108051014",
        "5104858069142078462",
        "5159385139981059251",
        "5046509860389126442",
        "5046589136895476101",
    }
)


@dataclass(frozen=True, slots=True)
class MessageDelivery:
    """Destination of a message and its fields besides the content."""

    dialog: Dialog
    head: Json
    markup: Json | None
    effect_id: int = 0


def prepare(call: MethodCall, *, takes_effect: bool = True) -> MessageDelivery:
    """Read the parameters all sending methods share; raises ApiRefusalError in Telegram's order of checks."""
    params = call.params
    request = read_reply(call)
    markup = read_markup(params)
    dialog = call.find_chat()
    thread_id = _find_thread(dialog, params.integer("message_thread_id"))
    replied = find_replied(call, dialog, request)
    if thread_id == 0 and replied is not None and replied.dialog is dialog:
        thread_id = replied.stored.message.get("message_thread_id", 0)
    is_bound = dialog.has_topics and not dialog.is_private and not dialog.is_administrator(call.bot)
    if is_bound and dialog.topics.get(thread_id, dialog.general_topic).is_closed:
        raise bad_request("TOPIC_CLOSED")
    head: Json = {"message_thread_id": thread_id} if thread_id else {}
    if request is not None and replied is not None:
        head.update(describe_reply(call, dialog, request, replied, thread_id))
    if params.boolean("protect_content"):
        head["has_protected_content"] = True
    check_before_sending(markup, call.services.parser.find_link_fault, is_private=dialog.is_private)
    effect_id = params.integer("message_effect_id") if takes_effect else 0
    return MessageDelivery(dialog, head, markup, effect_id)


def _find_thread(dialog: Dialog, thread_id: int) -> int:
    if thread_id <= 0:
        return 0
    if dialog.has_topic(thread_id):
        return thread_id
    # In a group without topics the number is overlooked (Client.cpp, check_message_topic).
    if dialog.is_private or dialog.has_topics:
        raise bad_request("message thread not found")
    return 0


def deliver(call: MethodCall, delivery: MessageDelivery, content: Json) -> Json:
    """Send one message and return it as the Bot API does; raises ApiRefusalError."""
    return deliver_all(call, delivery, [content])[0]


def deliver_all(call: MethodCall, delivery: MessageDelivery, contents: list[Json]) -> list[Json]:
    """Send several messages at once; raises ApiRefusalError before any of them is sent."""
    services, dialog = call.services, delivery.dialog
    head = dict(delivery.head)
    if delivery.effect_id:
        if not dialog.is_private:
            raise bad_request("can't use message effects in the chat")
        if str(delivery.effect_id) not in _EFFECTS:
            raise bad_request("EFFECT_ID_INVALID")
        head["effect_id"] = str(delivery.effect_id)
    services.state.check_not_blocked(dialog)
    check_on_server(delivery.markup, is_private=dialog.is_private)
    services.flood.check(call.bot.username, dialog.chat_id, weight=len(contents))
    return [
        services.state.add_bot_message(call.bot, dialog, {**head, **content}, delivery.markup).message
        for content in contents
    ]


def find_message(call: MethodCall, what: str, *, chat_name: str = "chat_id") -> tuple[Dialog, DialogMessage]:
    """The message a method works on; raises ApiRefusalError "… not found"."""
    dialog = call.find_chat(chat_name)
    stored = dialog.messages.get(call.params.integer("message_id"))
    if stored is None:
        raise bad_request(f"{what} not found")
    return dialog, stored


def read_message_ids(call: MethodCall) -> list[int]:
    """The `message_ids` of a call; raises ApiRefusalError."""
    numbers = call.params.decode_json("message_ids", "message_ids")
    if not numbers:
        raise bad_request("message identifiers are not specified")
    if not isinstance(numbers, list):
        raise bad_request("expected an Array of message identifiers")
    if len(numbers) > _MAX_IDS:
        raise bad_request("too many message identifiers specified")
    return [_read_id(number) for number in numbers]


def _read_id(number: object) -> int:
    try:
        value = int(str(number)[:20])
    except ValueError:
        value = 0
    if value <= 0 or isinstance(number, bool):
        raise bad_request("invalid message identifier specified")
    return value


def find_messages(dialog: Dialog, numbers: Iterable[int]) -> list[DialogMessage]:
    """Those of the messages that are there."""
    return [dialog.messages[number] for number in numbers if number in dialog.messages]
