from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beseda.sandbox.methods.delivery import find_message
from beseda.sandbox.refusals import bad_request

if TYPE_CHECKING:
    from beseda.sandbox.chats import Dialog, Json
    from beseda.sandbox.realm import Call, Handler

# #reactiontypeemoji
_REACTION_EMOJI = (
    "❤ 👍 👎 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 🤡 🥱 🥴 😍 🐳 ❤\u200d🔥 🌚 🌭 💯 🤣 ⚡ 🍌 🏆 💔 "
    "🤨 😐 🍓 🍾 💋 🖕 😈 😴 😭 🤓 👻 👨\u200d💻 👀 🎃 🙈 😇 😨 🤝 ✍ 🤗 🫡 🎅 🎄 ☃ 💅 🤪 🗿 🆒 💘 🙉 🦄 😘 "
    "💊 🙊 😎 👾 🤷\u200d♂ 🤷 🤷\u200d♀ 😡"
)
_REACTIONS = frozenset(_REACTION_EMOJI.split())
_GIFTS = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")


async def get_chat(call: Call) -> Json:
    """#getchat"""
    dialog = call.realm.world.find_chat(call.bot, call.params.text("chat_id"))
    info = {**dialog.chat, "accent_color_id": 0, "max_reaction_count": 11}
    info["accepted_gift_types"] = dict.fromkeys(_GIFTS, False)
    if dialog.pinned:
        pinned = call.realm.world.find_reply(dialog, dialog.pinned[-1])
        info.update({"pinned_message": pinned} if pinned else {})
    return info


def _describe_member(call: Call, user: Json) -> Json:
    owner = next(iter(call.realm.world.users))
    if user["id"] == owner:
        return {"status": "creator", "user": user, "is_anonymous": False}
    return {"status": "member", "user": user}


def _find_member(call: Call, dialog: Dialog) -> Json | None:
    user_id = call.params.integer("user_id")
    if user_id <= 0:
        raise bad_request("invalid user_id specified")
    user = call.realm.world.find_user(user_id)
    if user is None or (dialog.is_private and user_id not in {dialog.chat_id, call.bot.user["id"]}):
        return None
    return user


async def get_chat_member(call: Call) -> Json:
    """#getchatmember"""
    dialog = call.realm.world.find_chat(call.bot, call.params.text("chat_id"))
    user = _find_member(call, dialog)
    if user is None:
        raise bad_request("member not found")
    return {"status": "member", "user": user} if dialog.is_private else _describe_member(call, user)


async def get_chat_administrators(call: Call) -> list[Json]:
    """#getchatadministrators"""
    dialog = call.realm.world.find_chat(call.bot, call.params.text("chat_id"))
    if dialog.is_private:
        raise bad_request("there are no administrators in the private chat")
    members = [_describe_member(call, user) for user in call.realm.world.users.values()]
    return [member for member in members if member["status"] == "creator"]


async def get_chat_member_count(call: Call) -> int:
    """#getchatmembercount"""
    dialog = call.realm.world.find_chat(call.bot, call.params.text("chat_id"))
    return 2 if dialog.is_private else len(call.realm.world.users) + len(call.realm.world.bots)


async def set_message_reaction(call: Call) -> bool:
    """#setmessagereaction"""
    reactions = call.params.decode_json("reaction", "reaction types") or []
    if not isinstance(reactions, list):
        raise bad_request("expected an Array of ReactionType")
    checked = [_check_reaction(reaction) for reaction in reactions]
    dialog, stored = find_message(call, "message to react")
    if len(checked) > 1:
        raise bad_request("REACTIONS_TOO_MANY")
    stored.reactions = checked
    call.realm.events.publish(
        dialog.key, "reaction", message_id=stored.message["message_id"], reactions=checked, bot=call.bot.username
    )
    return True


def _check_reaction(reaction: Any) -> Json:
    prefix = "can't parse ReactionType: "
    if not isinstance(reaction, dict):
        raise bad_request(prefix + "expected an Object")
    if str(reaction.get("type")) not in {"emoji", "custom_emoji"}:
        raise bad_request(prefix + "invalid reaction type specified")
    emoji = str(reaction.get("emoji", "")).replace("\ufe0f", "")
    if reaction["type"] == "custom_emoji" or emoji not in _REACTIONS:
        raise bad_request("REACTION_INVALID")
    return {"type": "emoji", "emoji": emoji}


async def pin_chat_message(call: Call) -> bool:
    """#pinchatmessage"""
    dialog, stored = find_message(call, "message to pin")
    _check_may_pin(dialog)
    number = stored.message["message_id"]
    dialog.pinned = [*(one for one in dialog.pinned if one != number), number]
    return True


async def unpin_chat_message(call: Call) -> bool:
    """#unpinchatmessage"""
    dialog = call.realm.world.find_chat(call.bot, call.params.text("chat_id"))
    _check_may_pin(dialog)
    number = call.params.integer("message_id") or (dialog.pinned[-1] if dialog.pinned else 0)
    if number not in dialog.pinned:
        raise bad_request("message to unpin not found")
    dialog.pinned.remove(number)
    return True


def _check_may_pin(dialog: Dialog) -> None:
    if not dialog.is_private:
        raise bad_request("not enough rights to manage pinned messages in the chat")


async def get_user_profile_photos(call: Call) -> Json:
    """#getuserprofilephotos: nobody here has a picture."""
    user_id = call.params.integer("user_id")
    if user_id <= 0:
        raise bad_request("invalid user_id specified")
    if call.realm.world.find_user(user_id) is None:
        raise bad_request("user not found")
    return {"total_count": 0, "photos": []}


METHODS: dict[str, Handler] = {
    "getChat": get_chat,
    "getChatMember": get_chat_member,
    "getChatAdministrators": get_chat_administrators,
    "getChatMemberCount": get_chat_member_count,
    "setMessageReaction": set_message_reaction,
    "pinChatMessage": pin_chat_message,
    "unpinChatMessage": unpin_chat_message,
    "getUserProfilePhotos": get_user_profile_photos,
}
