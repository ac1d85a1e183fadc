"""Keyboards as Telegram's JSON: inline ones, and those below the input field.

Facts: https://core.telegram.org/bots/api#inlinekeyboardmarkup, #replykeyboardmarkup
"""

import orjson

from beseda.telegram.base import Keyboard, Markup, ReplyKeyboard


def write_markup(keyboard: Markup) -> str:
    """Return `reply_markup` for a keyboard of either kind, as JSON text, or "" if there are no buttons.

    A keyboard below the field without rows takes the shown one away.
    """
    if not isinstance(keyboard, ReplyKeyboard):
        return inline_markup(keyboard) if keyboard else ""
    if not keyboard.rows and not keyboard.contact:
        return orjson.dumps({"remove_keyboard": True}).decode()
    rows: list[list[dict[str, object]]] = [[{"text": label} for label in row] for row in keyboard.rows]
    if keyboard.contact:
        rows.insert(0, [{"text": keyboard.contact, "request_contact": True}])
    markup: dict[str, object] = {"keyboard": rows, "resize_keyboard": True, "is_persistent": True}
    if keyboard.hint:
        markup["input_field_placeholder"] = keyboard.hint[:64]
    return orjson.dumps(markup).decode()


def inline_markup(keyboard: Keyboard) -> str:
    """Return `reply_markup` for inline buttons, as JSON text."""
    rows = [[{"text": button.label, "callback_data": button.data} for button in row] for row in keyboard]
    return orjson.dumps({"inline_keyboard": rows}).decode()
