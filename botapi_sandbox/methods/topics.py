"""Topics of forums and of private chats (#createforumtopic and its family)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from botapi_sandbox.chats import ForumTopic
from botapi_sandbox.refusals import bad_request

if TYPE_CHECKING:
    from botapi_sandbox.chats import Dialog, Json
    from botapi_sandbox.services import Handler, MethodCall

# #createforumtopic
_COLORS = (0x6FB9F0, 0xFFD67E, 0xCB86DB, 0x8EEE98, 0xFF93B2, 0xFB6F5F)
_MAX_NAME = 128


def _find_forum(call: MethodCall) -> Dialog:
    dialog = call.find_chat()
    if not dialog.has_topics:
        raise bad_request("the chat is not a forum")
    return dialog


def _check_rights(call: MethodCall, dialog: Dialog, purpose: str) -> None:
    if not dialog.is_private and not dialog.is_administrator(call.bot):
        raise bad_request(f"not enough rights to {purpose}")


def _find_topic(call: MethodCall) -> tuple[Dialog, ForumTopic]:
    dialog = _find_forum(call)
    topic = dialog.topics.get(call.params.integer("message_thread_id"))
    if topic is None:
        raise bad_request("TOPIC_ID_INVALID")
    return dialog, topic


def _read_name(call: MethodCall) -> str:
    name = " ".join(call.params.text("name").split())
    return name[:_MAX_NAME]


async def create_topic(call: MethodCall) -> Json:
    """#createforumtopic"""
    dialog = _find_forum(call)
    _check_rights(call, dialog, "create a topic")
    name = _read_name(call)
    if not name:
        raise bad_request("name must be non-empty")
    color = call.params.integer("icon_color") or _COLORS[0]
    if color not in _COLORS:
        raise bad_request("invalid icon color specified")
    emoji_id = call.params.text("icon_custom_emoji_id")
    icon: Json = {"icon_color": color, **({"icon_custom_emoji_id": emoji_id} if emoji_id else {})}
    # The id of a topic is that of the message about its making (core.telegram.org/api/forum).
    content = {"forum_topic_created": {"name": name, **icon}}
    stored = call.services.state.add_service_message(call.bot, dialog, content, opens_thread=True)
    number = stored.message["message_thread_id"]
    dialog.topics[number] = ForumTopic(number, name, color, emoji_id)
    call.services.publish_topics(dialog)
    return {"message_thread_id": number, "name": name, **icon}


async def edit_topic(call: MethodCall) -> bool:
    """#editforumtopic"""
    dialog, topic = _find_topic(call)
    _check_rights(call, dialog, "edit the topic")
    changes: Json = {}
    name = _read_name(call)
    if name and name != topic.name:
        changes["name"] = topic.name = name
    if call.params.has("icon_custom_emoji_id"):
        emoji_id = call.params.text("icon_custom_emoji_id")
        if emoji_id != topic.icon_emoji_id:
            changes["icon_custom_emoji_id"] = topic.icon_emoji_id = emoji_id
    if not changes:
        raise bad_request("TOPIC_NOT_MODIFIED")
    _note(call, dialog, topic, {"forum_topic_edited": changes})
    return True


def _note(call: MethodCall, dialog: Dialog, topic: ForumTopic, content: Json) -> None:
    thread = {"message_thread_id": topic.id} if topic is not dialog.general_topic else {}
    call.services.state.add_service_message(call.bot, dialog, {**thread, **content})
    call.services.publish_topics(dialog)


async def set_closed(call: MethodCall, *, is_closed: bool, is_general: bool) -> bool:
    """#closeforumtopic, #reopenforumtopic, #closegeneralforumtopic, #reopengeneralforumtopic."""
    dialog, topic = _find_general(call) if is_general else _find_topic(call)
    if dialog.is_private:
        raise bad_request("the chat is not a supergroup forum")
    _check_rights(call, dialog, "close or open the topic")
    if topic.is_closed == is_closed:
        raise bad_request("TOPIC_NOT_MODIFIED")
    topic.is_closed = is_closed
    _note(call, dialog, topic, {"forum_topic_closed" if is_closed else "forum_topic_reopened": {}})
    return True


def _find_general(call: MethodCall) -> tuple[Dialog, ForumTopic]:
    dialog = _find_forum(call)
    if dialog.is_private:
        raise bad_request("the chat is not a supergroup forum")
    return dialog, dialog.general_topic


async def delete_topic(call: MethodCall) -> bool:
    """#deleteforumtopic: all its messages go with it."""
    dialog, topic = _find_topic(call)
    _check_rights(call, dialog, "delete the topic")
    del dialog.topics[topic.id]
    inside = [number for number, one in dialog.messages.items() if one.message.get("message_thread_id") == topic.id]
    call.services.state.delete_messages(dialog, inside)
    call.services.publish_topics(dialog)
    return True


async def edit_general_topic(call: MethodCall) -> bool:
    """#editgeneralforumtopic"""
    dialog, topic = _find_general(call)
    _check_rights(call, dialog, "edit the topic")
    name = _read_name(call)
    if not name:
        raise bad_request("name must be non-empty")
    if name == topic.name:
        raise bad_request("TOPIC_NOT_MODIFIED")
    topic.name = name
    _note(call, dialog, topic, {"forum_topic_edited": {"name": name}})
    return True


async def set_hidden(call: MethodCall, *, is_hidden: bool) -> bool:
    """#hidegeneralforumtopic, #unhidegeneralforumtopic."""
    dialog, topic = _find_general(call)
    _check_rights(call, dialog, "close or open the topic")
    if topic.is_hidden == is_hidden:
        raise bad_request("TOPIC_NOT_MODIFIED")
    topic.is_hidden = is_hidden
    if is_hidden:  # #hidegeneralforumtopic: closed as well if it was open
        topic.is_closed = True
    name = "general_forum_topic_hidden" if is_hidden else "general_forum_topic_unhidden"
    _note(call, dialog, topic, {name: {}})
    return True


async def unpin_all(call: MethodCall, *, is_general: bool) -> bool:
    """#unpinallforumtopicmessages, #unpinallgeneralforumtopicmessages."""
    dialog, topic = _find_general(call) if is_general else _find_topic(call)
    _check_rights(call, dialog, "manage pinned messages in the chat")
    thread = None if topic is dialog.general_topic else topic.id
    dialog.pinned = [
        number
        for number in dialog.pinned
        if number in dialog.messages and dialog.messages[number].message.get("message_thread_id") != thread
    ]
    return True


async def get_icon_stickers(call: MethodCall) -> list[Json]:
    """#getforumtopiciconstickers: there are none here, colours do."""
    return []


METHODS: dict[str, Handler] = {
    "createForumTopic": create_topic,
    "editForumTopic": edit_topic,
    "closeForumTopic": partial(set_closed, is_closed=True, is_general=False),
    "reopenForumTopic": partial(set_closed, is_closed=False, is_general=False),
    "deleteForumTopic": delete_topic,
    "unpinAllForumTopicMessages": partial(unpin_all, is_general=False),
    "editGeneralForumTopic": edit_general_topic,
    "closeGeneralForumTopic": partial(set_closed, is_closed=True, is_general=True),
    "reopenGeneralForumTopic": partial(set_closed, is_closed=False, is_general=True),
    "hideGeneralForumTopic": partial(set_hidden, is_hidden=True),
    "unhideGeneralForumTopic": partial(set_hidden, is_hidden=False),
    "unpinAllGeneralForumTopicMessages": partial(unpin_all, is_general=True),
    "getForumTopicIconStickers": get_icon_stickers,
}
