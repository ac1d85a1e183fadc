"""Methods about chats: members, pinned messages, profile photos."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botapi_sandbox.chats import make_reference
from botapi_sandbox.methods.delivery import find_message
from botapi_sandbox.refusals import bad_request

if TYPE_CHECKING:
    from botapi_sandbox.chats import Dialog, Json
    from botapi_sandbox.services import Handler, MethodCall

# What members of a group may do; no group here restricts them (Client.cpp, json_store_permissions).
_PERMISSIONS = {
    "can_send_messages": True,
    "can_send_media_messages": True,
    "can_send_audios": True,
    "can_send_documents": True,
    "can_send_photos": True,
    "can_send_videos": True,
    "can_send_video_notes": True,
    "can_send_voice_notes": True,
    "can_send_polls": True,
    "can_send_other_messages": True,
    "can_add_web_page_previews": True,
    "can_react_to_messages": True,
    "can_edit_tag": True,
    "can_change_info": False,
    "can_invite_users": True,
    "can_pin_messages": False,
    "can_manage_topics": False,
}
_RIGHTS = (
    "can_manage_chat can_delete_messages can_manage_video_chats can_restrict_members can_promote_members "
    "can_change_info can_invite_users can_post_stories can_edit_stories can_delete_stories can_pin_messages "
    "can_manage_topics"
)
_GIFTS = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")


async def get_chat(call: MethodCall) -> Json:
    """#getchat"""
    dialog = call.find_chat()
    info = {**dialog.chat, "accent_color_id": 0, "max_reaction_count": 11}
    info["accepted_gift_types"] = dict.fromkeys(_GIFTS, False)
    if not dialog.is_private:
        info["permissions"] = dict(_PERMISSIONS)
    if dialog.pinned:
        pinned = call.services.state.find_reply(dialog, dialog.pinned[-1])
        info.update({"pinned_message": pinned} if pinned else {})
    return info


def describe_member(dialog: Dialog, owner_id: int, user: Json) -> Json:
    """A person or a bot as a `ChatMember` of a group."""
    if user["id"] == owner_id:
        return {"status": "creator", "user": user, "is_anonymous": False}
    if user.get("username") in dialog.administrators:
        rights = {"can_be_edited": False, "is_anonymous": False, **dict.fromkeys(_RIGHTS.split(), True)}
        return {"status": "administrator", "user": user, **rights}
    return {"status": "member", "user": user}


def _describe_member(call: MethodCall, dialog: Dialog, user: Json) -> Json:
    return describe_member(dialog, next(iter(call.services.state.users)), user)


async def get_chat_member(call: MethodCall) -> Json:
    """#getchatmember"""
    dialog, user_id = call.find_chat(), call.params.integer("user_id")
    if user_id <= 0:
        raise bad_request("invalid user_id specified")
    user = call.services.state.find_user(user_id)
    if user is None or (dialog.is_private and user_id not in {dialog.chat_id, call.bot.user["id"]}):
        raise bad_request("member not found")
    return {"status": "member", "user": user} if dialog.is_private else _describe_member(call, dialog, user)


async def get_chat_administrators(call: MethodCall) -> list[Json]:
    """#getchatadministrators"""
    dialog = call.find_chat()
    if dialog.is_private:
        raise bad_request("there are no administrators in the private chat")
    state = call.services.state
    people = [*state.users.values(), *(bot.user for bot in state.bots.values() if bot is call.bot)]
    members = [_describe_member(call, dialog, user) for user in people]
    # Other bots are left out (#getchatadministrators).
    return [member for member in members if member["status"] != "member"]


async def get_chat_member_count(call: MethodCall) -> int:
    """#getchatmembercount"""
    dialog = call.find_chat()
    return 2 if dialog.is_private else len(call.services.state.users) + len(call.services.state.bots)


async def pin_chat_message(call: MethodCall) -> bool:
    """#pinchatmessage"""
    dialog, stored = find_message(call, "message to pin")
    _check_may_pin(call, dialog)
    if stored.is_service:
        raise bad_request("service messages can't be pinned")
    number = stored.message["message_id"]
    dialog.pinned = [*(one for one in dialog.pinned if one != number), number]
    # A bot is sent the note about what it pinned itself (Client.cpp, need_skip_update_message).
    thread = {"message_thread_id": stored.message.get("message_thread_id")}
    place = thread if thread["message_thread_id"] else {}
    call.services.state.add_service_message(
        call.bot, dialog, {**place, "pinned_message": make_reference(stored.message)}
    )
    return True


async def unpin_chat_message(call: MethodCall) -> bool:
    """#unpinchatmessage"""
    dialog = call.find_chat()
    _check_may_pin(call, dialog)
    number = call.params.integer("message_id") or (dialog.pinned[-1] if dialog.pinned else 0)
    if number not in dialog.pinned:
        raise bad_request("message to unpin not found")
    dialog.pinned.remove(number)
    return True


async def unpin_all_chat_messages(call: MethodCall) -> bool:
    """#unpinallchatmessages"""
    dialog = call.find_chat()
    _check_may_pin(call, dialog)
    dialog.pinned.clear()
    return True


def _check_may_pin(call: MethodCall, dialog: Dialog) -> None:
    if not dialog.is_private and not dialog.is_administrator(call.bot):
        raise bad_request("not enough rights to manage pinned messages in the chat")


async def get_user_profile_photos(call: MethodCall) -> Json:
    """#getuserprofilephotos: always empty, since users have no pictures here."""
    user_id = call.params.integer("user_id")
    if user_id <= 0:
        raise bad_request("invalid user_id specified")
    if call.services.state.find_user(user_id) is None:
        raise bad_request("user not found")
    return {"total_count": 0, "photos": []}


METHODS: dict[str, Handler] = {
    "getChat": get_chat,
    "getChatMember": get_chat_member,
    "getChatAdministrators": get_chat_administrators,
    "getChatMemberCount": get_chat_member_count,
    "pinChatMessage": pin_chat_message,
    "unpinChatMessage": unpin_chat_message,
    "unpinAllChatMessages": unpin_all_chat_messages,
    "getUserProfilePhotos": get_user_profile_photos,
}
