"""Inline keyboards as Telegram's JSON (https://core.telegram.org/bots/api#inlinekeyboardmarkup)."""

import orjson

from beseda.telegram.base import Keyboard


def inline_markup(keyboard: Keyboard) -> str:
    """Return `reply_markup` for a keyboard, as JSON text."""
    rows = [[{"text": button.label, "callback_data": button.data} for button in row] for row in keyboard]
    return orjson.dumps({"inline_keyboard": rows}).decode()
