"""Reactions of bots to messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botapi_sandbox.methods.delivery import find_message
from botapi_sandbox.refusals import bad_request

if TYPE_CHECKING:
    from botapi_sandbox.chats import Json
    from botapi_sandbox.services import Handler, MethodCall

# #reactiontypeemoji
_REACTION_EMOJI = (
    "❤ 👍 👎 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 🤡 🥱 🥴 😍 🐳 ❤\u200d🔥 🌚 🌭 💯 🤣 ⚡ 🍌 🏆 💔 "
    "🤨 😐 🍓 🍾 💋 🖕 😈 😴 😭 🤓 👻 👨\u200d💻 👀 🎃 🙈 😇 😨 🤝 ✍ 🤗 🫡 🎅 🎄 ☃ 💅 🤪 🗿 🆒 💘 🙉 🦄 😘 "
    "💊 🙊 😎 👾 🤷\u200d♂ 🤷 🤷\u200d♀ 😡"
)
_REACTIONS = frozenset(_REACTION_EMOJI.split())


async def set_message_reaction(call: MethodCall) -> bool:
    """#setmessagereaction"""
    reactions = call.params.decode_json("reaction", "reaction types") or []
    if not isinstance(reactions, list):
        raise bad_request("expected an Array of ReactionType")
    checked = [check_reaction(reaction) for reaction in reactions]
    dialog, stored = find_message(call, "message to react")
    if len(checked) > 1:
        raise bad_request("REACTIONS_TOO_MANY")
    stored.reactions = checked
    call.services.events.publish(
        dialog.key, "reaction", message_id=stored.message["message_id"], reactions=checked, bot=call.bot.username
    )
    return True


def check_reaction(reaction: Any) -> Json:
    """A ReactionType in its normal form; raises ApiRefusalError for one that cannot be used."""
    prefix = "can't parse ReactionType: "
    if not isinstance(reaction, dict):
        raise bad_request(prefix + "expected an Object")
    if str(reaction.get("type")) not in {"emoji", "custom_emoji"}:
        raise bad_request(prefix + "invalid reaction type specified")
    emoji = str(reaction.get("emoji", "")).replace("\ufe0f", "")
    if reaction["type"] == "custom_emoji" or emoji not in _REACTIONS:
        raise bad_request("REACTION_INVALID")
    return {"type": "emoji", "emoji": emoji}


METHODS: dict[str, Handler] = {"setMessageReaction": set_message_reaction}
