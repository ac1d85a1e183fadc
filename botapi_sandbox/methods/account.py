"""Methods about the bot itself: its profile and its texts."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from botapi_sandbox.refusals import bad_request

if TYPE_CHECKING:
    from botapi_sandbox.chats import Json
    from botapi_sandbox.services import Handler, MethodCall

_LIMITS = {"name": 64, "description": 512, "short_description": 120}


async def get_me(call: MethodCall) -> Json:
    """#getme"""
    return {
        **call.bot.user,
        "can_join_groups": True,
        "can_read_all_group_messages": call.bot.account.reads_all_group_messages,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
        "has_topics_enabled": call.bot.account.has_topics_enabled,
    }


async def confirm(call: MethodCall) -> bool:
    """#logout and #close: nothing to leave here."""
    return True


async def set_text(call: MethodCall, *, name: str) -> bool:
    """#setmyname, #setmydescription, #setmyshortdescription."""
    text = call.params.text(name).strip()
    if len(text) > _LIMITS[name]:
        raise bad_request(f"bot {name.replace('_', ' ')} is too long")
    key = (name, call.params.text("language_code"))
    call.bot.texts.pop(key, None)
    if text:
        call.bot.texts[key] = text
    return True


async def get_text(call: MethodCall, *, name: str) -> Json:
    """#getmyname, #getmydescription, #getmyshortdescription."""
    texts = call.bot.texts
    default = call.bot.account.name if name == "name" else ""
    fallback = texts.get((name, ""), default)
    return {name: texts.get((name, call.params.text("language_code")), fallback)}


_TEXTS = (("name", "Name"), ("description", "Description"), ("short_description", "ShortDescription"))
METHODS: dict[str, Handler] = {
    "getMe": get_me,
    "logOut": confirm,
    "close": confirm,
    **{f"setMy{title}": partial(set_text, name=name) for name, title in _TEXTS},
    **{f"getMy{title}": partial(get_text, name=name) for name, title in _TEXTS},
}
