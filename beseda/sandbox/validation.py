"""What Telegram checks in keyboards, replies and commands, and the words it refuses them with."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from beseda.sandbox.refusals import bad_request

if TYPE_CHECKING:
    from beseda.sandbox.chats import Json
    from beseda.sandbox.formatted import FormattedText
    from beseda.sandbox.params import Params

MAX_TEXT_UNITS = 4096  # #sendmessage
MAX_CAPTION_UNITS = 1024  # #sendphoto
_MAX_CALLBACK_BYTES = 64  # #inlinekeyboardbutton
_MAX_INLINE_BUTTONS = 100
_MAX_ROW = 12
_MAX_BUTTONS = 300
_PRIVATE_KEYS = {
    "request_contact": "phone number can be requested in private chats only",
    "request_location": "location can be requested in private chats only",
    "request_poll": "poll can be requested in private chats only",
    "web_app": "Web App buttons can be used in private chats only",
}
_MAX_COMMANDS = 100  # #setmycommands
_COMMAND = re.compile(r"[a-z0-9_]+")
_INLINE_ACTIONS = (
    "url",
    "callback_data",
    "web_app",
    "login_url",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat",
    "copy_text",
    "callback_game",
    "pay",
)


def check_text(text: FormattedText) -> None:
    """Raises ApiRefusalError for an empty or too long message text."""
    if not text.text:
        raise bad_request("text must be non-empty")
    if text.units > MAX_TEXT_UNITS:
        raise bad_request("message is too long")


def check_caption(caption: FormattedText) -> None:
    """Raises ApiRefusalError for a too long caption."""
    if caption.units > MAX_CAPTION_UNITS:
        raise bad_request("message caption is too long")


def read_markup(params: Params) -> Json | None:
    """The `reply_markup` of a call in one normal form, or None; raises ApiRefusalError."""
    markup = params.decode_json("reply_markup", "reply keyboard markup")
    if markup is None:
        return None
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    rows = _read_rows(markup, "keyboard", 'field "keyboard" must be an Array of Arrays', _read_key)
    message = 'field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays'
    inline_rows = _read_rows(markup, "inline_keyboard", message, _read_inline_button)
    if rows:
        fields = ("is_persistent", "resize_keyboard", "one_time_keyboard", "selective", "input_field_placeholder")
        return {"keyboard": rows, **{name: markup[name] for name in fields if markup.get(name)}}
    if inline_rows:
        return {"inline_keyboard": inline_rows}
    if markup.get("remove_keyboard") or markup.get("hide_keyboard"):
        return {"remove_keyboard": True}
    if markup.get("force_reply"):
        placeholder = markup.get("input_field_placeholder")
        return {"force_reply": True, **({"input_field_placeholder": placeholder} if placeholder else {})}
    return None


def _read_rows(markup: Json, name: str, refusal: str, read: Any) -> list[list[Json]]:
    rows = markup.get(name)
    if rows is None:
        return []
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request(refusal)
    # TDLib leaves out buttons without a text and cuts what is more than 12 in a row or 300 in all.
    read_rows = [[button for button in map(read, row) if button["text"]][:_MAX_ROW] for row in rows]
    shown: list[list[Json]] = []
    left = _MAX_BUTTONS
    for row in read_rows:
        if row[:left]:
            shown.append(row[:left])
            left -= len(shown[-1])
    return shown


def _read_key(button: Any) -> Json:
    if isinstance(button, str):
        button = {"text": button}
    if not isinstance(button, dict):
        raise bad_request("can't parse keyboard button: KeyboardButton must be a String or an Object")
    if not isinstance(button.get("text"), str):
        raise bad_request("can't parse keyboard button: Can't find field \"text\"")
    return button


def _read_inline_button(button: Any) -> Json:
    prefix = "can't parse inline keyboard button: "
    if not isinstance(button, dict):
        raise bad_request(prefix + "InlineKeyboardButton must be an Object")
    if not isinstance(button.get("text"), str):
        raise bad_request(prefix + 'Can\'t find field "text"')
    for name in ("url", "callback_data"):
        if not isinstance(button.get(name, ""), (str, type(None))):
            raise bad_request(f'{prefix}Field "{name}" must be of type String')
    if not any(_is_given(button, name) for name in _INLINE_ACTIONS):
        raise bad_request(prefix + "Text buttons are unallowed in the inline keyboard")
    return {name: value for name, value in button.items() if value is not None}


def _is_given(button: Json, name: str) -> bool:
    value = button.get(name)
    return bool(value) if name in {"url", "callback_data"} else value is not None


def check_markup(markup: Json | None, *, is_private: bool) -> None:
    """Raises ApiRefusalError for what Telegram notices once it sends: data, links, number of buttons."""
    for key in (key for row in (markup or {}).get("keyboard", ()) for key in row if not is_private):
        for name, refusal in _PRIVATE_KEYS.items():
            if key.get(name):
                raise bad_request(refusal)
    rows = (markup or {}).get("inline_keyboard", ())
    if sum(len(row) for row in rows) > _MAX_INLINE_BUTTONS:
        raise bad_request("reply markup is too long")
    for button in (button for row in rows for button in row):
        if len(str(button.get("callback_data", "")).encode()) > _MAX_CALLBACK_BYTES:
            raise bad_request("BUTTON_DATA_INVALID")
        if "url" in button:
            _check_button_url(button["url"])


def _check_button_url(url: str) -> None:
    try:
        parts = urlsplit(url if "://" in url or url.startswith("mailto:") else f"http://{url}")
    except ValueError:
        raise bad_request(f"inline keyboard button URL '{url}' is invalid: Wrong HTTP URL") from None
    if parts.scheme in {"tg", "ton", "tonsite", "mailto"}:
        return
    if parts.scheme not in {"http", "https"}:
        raise bad_request(f"inline keyboard button URL '{url}' is invalid: Unsupported URL protocol")
    if "." not in (parts.hostname or "") and ":" not in (parts.hostname or ""):
        raise bad_request(f"inline keyboard button URL '{url}' is invalid: Wrong HTTP URL")


def read_link_preview(params: Params) -> Json | None:
    """`link_preview_options`, or what the older `disable_web_page_preview` means; raises ApiRefusalError."""
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
