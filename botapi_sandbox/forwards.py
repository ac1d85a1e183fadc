"""Fields of a forwarded message about its origin: those of today, and those of 2023 and before."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from botapi_sandbox.chats import Json


def make_origin(message: Json) -> Json:
    """The `MessageOrigin` of a message: that of its forward, or else its sender."""
    sent_now = {"type": "user", "sender_user": message["from"], "date": message["date"]}
    origin: Json = message.get("forward_origin") or sent_now
    return origin


def describe_forward(origin: Json) -> Json:
    """The fields of a forwarded message; Telegram's server still writes the old ones beside the new one."""
    fields: Json = {"forward_origin": origin, "forward_date": origin["date"]}
    if origin["type"] == "user":
        fields["forward_from"] = origin["sender_user"]
    else:
        fields["forward_sender_name"] = origin["sender_user_name"]
    return fields
