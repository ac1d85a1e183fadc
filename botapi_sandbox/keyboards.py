"""Keyboards under messages: their format, and Telegram's error texts for invalid ones.

Three stages reject them, one after another: the Bot API server while it parses (Client.cpp), TDLib before it sends
(ReplyMarkup.cpp), and Telegram's closed servers, with error texts in capitals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botapi_sandbox.refusals import bad_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from botapi_sandbox.chats import Json
    from botapi_sandbox.params import Params

    CheckLink = Callable[[str], str]

_MAX_CALLBACK_BYTES = 64  # #inlinekeyboardbutton
_MAX_COPIED_UNITS = 256  # #copytextbutton
_MAX_INLINE_BUTTONS = 100
_MAX_ROW = 12
_MAX_BUTTONS = 300
_PRIVATE_KEYS = {
    "request_phone_number": "phone number can be requested in private chats only",
    "request_contact": "phone number can be requested in private chats only",
    "request_location": "location can be requested in private chats only",
    "request_poll": "poll can be requested in private chats only",
    "web_app": "Web App buttons can be used in private chats only",
    "request_user": "users can be requested in private chats only",
    "request_users": "users can be requested in private chats only",
    "request_chat": "chats can be requested in private chats only",
    "request_managed_bot": "managed bots can be requested in private chats only",
}
# What a key's field must be an object with, or None when nothing in it is needed.
_KEY_OBJECTS = {
    "request_poll": None,
    "web_app": "url",
    "request_users": "request_id",
    "request_user": "request_id",
    "request_chat": "request_id",
    "request_managed_bot": "request_id",
}
_INLINE_OBJECTS = {"switch_inline_query_chosen_chat": None, "login_url": "url", "web_app": "url", "copy_text": "text"}
_INLINE_STRINGS = ("url", "callback_data", "switch_inline_query", "switch_inline_query_current_chat")
_INLINE_ACTIONS = (*_INLINE_STRINGS, *_INLINE_OBJECTS, "callback_game", "pay")
_STYLES = frozenset({"", "default", "primary", "danger", "success"})
# Faults of a link that TDLib looks for behind its protocol.
_LATE_FAULTS = ("Wrong HTTP URL", "Wrong tg URL", "Wrong ton URL", "Unallowed characters in URL host")


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
        return {"text": button}
    prefix = "can't parse keyboard button: "
    if not isinstance(button, dict):
        raise bad_request(prefix + "KeyboardButton must be a String or an Object")
    _check_fields(button, prefix, _KEY_OBJECTS)
    return {name: value for name, value in button.items() if value is not None}


def _read_inline_button(button: Any) -> Json:
    prefix = "can't parse inline keyboard button: "
    if not isinstance(button, dict):
        raise bad_request(prefix + "InlineKeyboardButton must be an Object")
    _check_fields(button, prefix, _INLINE_OBJECTS)
    for name in _INLINE_STRINGS:
        if not isinstance(button.get(name, ""), (str, type(None))):
            raise bad_request(f'{prefix}Field "{name}" must be of type String')
    # An empty address or empty data counts as none; other actions may be empty.
    given = {name for name in _INLINE_ACTIONS if button.get(name) is not None} - {"url", "callback_data"}
    if not given and not button.get("url") and not button.get("callback_data"):
        raise bad_request(prefix + "Text buttons are unallowed in the inline keyboard")
    return {name: value for name, value in button.items() if value is not None}


def _check_fields(button: Json, prefix: str, objects: dict[str, str | None]) -> None:
    if not isinstance(button.get("text"), str):
        raise bad_request(prefix + 'Can\'t find field "text"')
    style = button.get("style") or ""
    if not isinstance(style, str) or style.lower() not in _STYLES:
        raise bad_request(prefix + "invalid button style specified")
    for name, needed in objects.items():
        value = button.get(name)
        if value is None:
            continue
        if not isinstance(value, dict):
            raise bad_request(f'{prefix}Field "{name}" must be of type Object')
        if needed is not None and value.get(needed) is None:
            raise bad_request(f'{prefix}Can\'t find field "{needed}"')


def check_before_sending(markup: Json | None, check_link: CheckLink, *, is_private: bool) -> None:
    """Check a keyboard as TDLib does; `check_link` returns the fault of a link, or nothing. Raises ApiRefusalError."""
    for key in _list_buttons(markup, "keyboard"):
        for name, words in _PRIVATE_KEYS.items():
            value = key.get(name)
            if not is_private and (value or (name in _KEY_OBJECTS and value is not None)):  # an empty object asks, too
                raise bad_request(words)
        if key.get("web_app"):
            _check_https("keyboard button Web App", str(key["web_app"]["url"]), check_link)
    for button in _list_buttons(markup, "inline_keyboard"):
        if button.get("url"):
            fault = check_link(button["url"])
            if fault:
                raise bad_request(f"inline keyboard button URL '{button['url']}' is invalid: {fault}")
        elif button.get("login_url"):
            _check_https("inline keyboard button login", str(button["login_url"]["url"]), check_link)
        elif button.get("web_app"):
            _check_https("inline keyboard button Web App", str(button["web_app"]["url"]), check_link)


def _check_https(owner: str, url: str, check_link: CheckLink) -> None:
    if url.lower().startswith("tg://user?id="):
        kind = "login" if owner.endswith("login") else "Web App"
        raise bad_request(f"link to a user can't be used in {kind} URL buttons")
    fault = check_link(url)
    if not url.lower().startswith("https://") and fault in {"", *_LATE_FAULTS}:
        fault = "Only HTTPS links are allowed"
    if fault:
        raise bad_request(f"{owner} URL '{url}' is invalid: {fault}")


def check_on_server(markup: Json | None, *, is_private: bool) -> None:
    """Check data, number and kinds of inline buttons as Telegram's servers do. Raises ApiRefusalError."""
    buttons = list(_list_buttons(markup, "inline_keyboard"))
    if len(buttons) > _MAX_INLINE_BUTTONS:
        raise bad_request("reply markup is too long")
    for button in buttons:
        if len(str(button.get("callback_data", "")).encode("utf-8", "replace")) > _MAX_CALLBACK_BYTES:
            raise bad_request("BUTTON_DATA_INVALID")
        if button.get("url") or button.get("callback_data"):
            continue
        # Games and invoices are the only messages that these belong to, and none can be sent here.
        if "pay" in button or "callback_game" in button or (button.get("web_app") and not is_private):
            raise bad_request("BUTTON_TYPE_INVALID")
        copied = str((button.get("copy_text") or {}).get("text", "x"))
        if not 0 < len(copied.encode("utf-16-le", "replace")) // 2 <= _MAX_COPIED_UNITS:
            raise bad_request("BUTTON_COPY_TEXT_INVALID")


def _list_buttons(markup: Json | None, name: str) -> Iterator[Json]:
    return (button for row in (markup or {}).get(name, ()) for button in row)
