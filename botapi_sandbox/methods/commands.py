"""Commands and menu buttons of a bot."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from botapi_sandbox.refusals import bad_request
from botapi_sandbox.validation import read_commands

if TYPE_CHECKING:
    from botapi_sandbox.chats import Bot, Dialog, Json
    from botapi_sandbox.services import Handler, MethodCall

_PLAIN_SCOPES = frozenset({"default", "all_private_chats", "all_group_chats", "all_chat_administrators"})
_CHAT_SCOPES = frozenset({"chat", "chat_administrators", "chat_member"})
_LANGUAGE = re.compile(r"([a-z]{2})?")


def _read_key(call: MethodCall) -> tuple[str, str]:
    language = call.params.text("language_code")
    if not _LANGUAGE.fullmatch(language):
        raise bad_request("invalid language code specified")
    scope = call.params.decode_json("scope", "BotCommandScope")
    if scope is None:
        return "default", language
    if not isinstance(scope, dict):
        raise bad_request("can't parse BotCommandScope: expected an Object")
    kind = str(scope.get("type"))
    if kind in _PLAIN_SCOPES:
        return kind, language
    if kind not in _CHAT_SCOPES:
        raise bad_request("can't parse BotCommandScope: Unsupported type specified")
    chat_id = call.services.state.find_chat(call.bot, str(scope.get("chat_id") or "")).chat_id
    member = f":{scope.get('user_id')}" if kind == "chat_member" else ""
    return f"{kind}:{chat_id}{member}", language


async def set_my_commands(call: MethodCall) -> bool:
    """#setmycommands"""
    key = _read_key(call)
    commands = read_commands(call.params)
    if commands:
        call.bot.commands[key] = commands
    else:
        call.bot.commands.pop(key, None)
    call.services.events.publish(None, "commands", bot=call.bot.username)
    return True


async def get_my_commands(call: MethodCall) -> list[Json]:
    """#getmycommands"""
    return call.bot.commands.get(_read_key(call), [])


async def delete_my_commands(call: MethodCall) -> bool:
    """#deletemycommands"""
    call.bot.commands.pop(_read_key(call), None)
    call.services.events.publish(None, "commands", bot=call.bot.username)
    return True


def list_visible(bot: Bot, dialog: Dialog, user: Json) -> list[Json]:
    """The commands a person sees in a chat (#determining-list-of-commands)."""
    chat = dialog.chat_id
    if dialog.is_private:
        scopes = [f"chat:{chat}", "all_private_chats", "default"]
    else:
        scopes = [f"chat_member:{chat}:{user['id']}", f"chat:{chat}", "all_group_chats", "default"]
    for scope in scopes:
        for language in (str(user.get("language_code") or "")[:2], ""):
            if (scope, language) in bot.commands:
                return bot.commands[scope, language]
    return []


async def set_chat_menu_button(call: MethodCall) -> bool:
    """#setchatmenubutton"""
    button = call.params.decode_json("menu_button", "menu button") or {"type": "default"}
    if not isinstance(button, dict):
        raise bad_request("can't parse menu button: MenuButton must be an Object")
    if str(button.get("type")) not in {"default", "commands", "web_app"}:
        raise bad_request("can't parse menu button: MenuButton has unsupported type")
    call.bot.menu_buttons[call.params.integer("chat_id")] = button
    call.services.events.publish(None, "commands", bot=call.bot.username)
    return True


async def get_chat_menu_button(call: MethodCall) -> Json:
    """#getchatmenubutton"""
    buttons = call.bot.menu_buttons
    found = buttons.get(call.params.integer("chat_id")) or buttons.get(0) or {"type": "commands"}
    return {"type": "commands"} if found["type"] == "default" else found


METHODS: dict[str, Handler] = {
    "setMyCommands": set_my_commands,
    "getMyCommands": get_my_commands,
    "deleteMyCommands": delete_my_commands,
    "setChatMenuButton": set_chat_menu_button,
    "getChatMenuButton": get_chat_menu_button,
}
