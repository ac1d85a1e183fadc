"""Forwards and copies of messages, one by one and in bulk."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from botapi_sandbox.chats import MEDIA_KINDS
from botapi_sandbox.methods.content import complete_caption, parse_caption
from botapi_sandbox.methods.delivery import deliver, deliver_all, find_message, find_messages, prepare, read_message_ids
from botapi_sandbox.refusals import bad_request
from botapi_sandbox.replies import describe_forward, make_origin

if TYPE_CHECKING:
    from botapi_sandbox.chats import DialogMessage, Json
    from botapi_sandbox.services import Handler, MethodCall

_COPIED = (
    "text",
    "entities",
    "caption",
    "caption_entities",
    "show_caption_above_media",
    "has_media_spoiler",
    "link_preview_options",
    "contact",
    *MEDIA_KINDS,
)


async def forward_message(call: MethodCall) -> Json:
    """#forwardmessage"""
    call.params.required_text("from_chat_id")
    source = find_message(call, "message to forward", chat_name="from_chat_id")[1]
    delivery = prepare(call)
    _check_may_leave(source, "forwarded")
    return deliver(call, delivery, _make_forward(source))


async def copy_message(call: MethodCall) -> Json:
    """#copymessage"""
    call.params.required_text("from_chat_id")
    new_caption = parse_caption(call) if call.params.has("caption") else None
    source = find_message(call, "message to copy", chat_name="from_chat_id")[1]
    delivery = prepare(call)
    _check_may_leave(source, "copied")
    content = _copy_content(source)
    if new_caption is not None and "text" not in content:
        content = _drop_caption(content) | complete_caption(call, new_caption)
    return {"message_id": deliver(call, delivery, content)["message_id"]}


async def forward_messages(call: MethodCall) -> list[Json]:
    """#forwardmessages: those that are missing or may not be forwarded are skipped; albums stay together."""
    sources = _find_sources(call, "forward")
    return _send_all(call, [_make_forward(source) for source in sources])


async def copy_messages(call: MethodCall) -> list[Json]:
    """#copymessages: those that are missing or may not be copied are skipped; albums stay together."""
    sources = _find_sources(call, "copy")
    contents = [_copy_content(source) for source in sources]
    if call.params.boolean("remove_caption"):
        contents = [_drop_caption(content) for content in contents]
    return _send_all(call, contents)


def _find_sources(call: MethodCall, verb: str) -> list[DialogMessage]:
    call.params.required_text("from_chat_id")
    numbers = read_message_ids(call)
    if any(one >= other for one, other in pairwise(numbers)):
        raise bad_request("message identifiers must be in a strictly increasing order")
    source = call.find_chat("from_chat_id")
    found = [one for one in find_messages(source, numbers) if _may_leave(one)]
    if not found:
        raise bad_request(f"there are no messages to {verb}")
    return found


def _send_all(call: MethodCall, contents: list[Json]) -> list[Json]:
    sent = deliver_all(call, prepare(call, takes_effect=False), contents)
    return [{"message_id": message["message_id"]} for message in sent]


def _may_leave(source: DialogMessage) -> bool:
    return not (source.is_service or source.message.get("has_protected_content"))


def _check_may_leave(source: DialogMessage, verb: str) -> None:
    if not _may_leave(source):
        raise bad_request(f"the message can't be {verb}")


def _make_forward(source: DialogMessage) -> Json:
    return {**describe_forward(make_origin(source.message)), **_copy_content(source)}


def _copy_content(source: DialogMessage) -> Json:
    names = (*_COPIED, "media_group_id")
    return {name: source.message[name] for name in names if name in source.message}


def _drop_caption(content: Json) -> Json:
    return {name: value for name, value in content.items() if not name.startswith(("caption", "show_caption"))}


METHODS: dict[str, Handler] = {
    "forwardMessage": forward_message,
    "forwardMessages": forward_messages,
    "copyMessage": copy_message,
    "copyMessages": copy_messages,
}
