"""Buttons and keyboards, inline and below the input field, as Telegram's JSON.

Facts: https://core.telegram.org/bots/api#inlinekeyboardmarkup, #replykeyboardmarkup
"""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson


@dataclass(frozen=True, slots=True)
class Button:
    """An inline button. `data` comes back when it is pressed: 1 to 64 bytes (Bot API, InlineKeyboardButton)."""

    label: str
    data: str


Keyboard = Sequence[Sequence[Button]]


@dataclass(frozen=True, slots=True)
class ReplyKeyboard:
    """Buttons below the input field. A press sends the button's label. `hint` is shown in the empty field.

    `contact` is the label of a button above them that sends the person's own phone number (private chats alone).
    """

    rows: Sequence[Sequence[str]]
    hint: str = ""
    contact: str = ""


Markup = Keyboard | ReplyKeyboard


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
