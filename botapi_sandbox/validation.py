"""Telegram's checks of texts, previews and commands, with its error texts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from botapi_sandbox.refusals import bad_request

if TYPE_CHECKING:
    from botapi_sandbox.chats import Json
    from botapi_sandbox.formatted_text import FormattedText
    from botapi_sandbox.params import Params

MAX_TEXT_UNITS = 4096  # #sendmessage
MAX_CAPTION_UNITS = 1024  # #sendphoto
_MAX_COMMANDS = 100  # #setmycommands
_COMMAND = re.compile(r"[a-z0-9_]+")


def check_text(text: FormattedText, *, words: str = "message is too long") -> None:
    """Raises ApiRefusalError for an empty or too long message text; `words` are those for the latter."""
    if not text.text:
        raise bad_request("text must be non-empty")
    if text.units > MAX_TEXT_UNITS:
        raise bad_request(words)


def check_caption(caption: FormattedText, *, words: str = "message caption is too long") -> None:
    """Raises ApiRefusalError for a too long caption."""
    if caption.units > MAX_CAPTION_UNITS:
        raise bad_request(words)


def read_link_preview(params: Params) -> Json | None:
    """Return `link_preview_options`, or its equivalent for the older `disable_web_page_preview`, or None.

    Raises ApiRefusalError.
    """
    options = params.decode_json("link_preview_options", "link preview options")
    if options is None:
        return {"is_disabled": True} if params.boolean("disable_web_page_preview") else None
    if not isinstance(options, dict):
        raise bad_request("object expected as link preview options")
    return {name: value for name, value in options.items() if value} or None


def read_commands(params: Params) -> list[Json]:
    """The commands of `setMyCommands`; raises ApiRefusalError."""
    commands = params.decode_json("commands", "commands")
    if commands is None:
        return []
    if not isinstance(commands, list):
        raise bad_request("expected an Array of BotCommand")
    if len(commands) > _MAX_COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    return [_read_command(command) for command in commands]


def _read_command(command: Any) -> Json:
    if not isinstance(command, dict):
        raise bad_request("can't parse BotCommand: expected an Object")
    for name in ("command", "description"):
        if not isinstance(command.get(name), str):
            raise bad_request(f"can't parse BotCommand: Can't find field \"{name}\"")
    name, description = command["command"].strip().removeprefix("/"), command["description"].strip()
    if not name:
        raise bad_request("command must be non-empty")
    if len(name) > 32:
        raise bad_request("command length must not exceed 32")
    if not description:
        raise bad_request("command description must be non-empty")
    if len(description) > 256:
        raise bad_request("command description length must not exceed 256")
    if not _COMMAND.fullmatch(name):
        raise bad_request("BOT_COMMAND_INVALID")
    return {"command": name, "description": description}
