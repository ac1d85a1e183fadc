"""Removal of characters that Telegram does not accept, and detection of texts that need no parser."""

from __future__ import annotations

import re
import unicodedata

# Telegram drops or blanks these itself, which would shift every offset behind them
# (TDLib, clean_input_string: control characters, U+2028..U+202E, three combining lines).
_FORBIDDEN = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\ufeff\ufff9-\ufffb\ud800-\udfff\u030a\u0333\u033f"
_DIRTY = re.compile(f"[\r{_FORBIDDEN}]")
_RETURN = re.compile("\r\n?|[\u2028\u2029\x85]")
_REMOVED = re.compile(f"[{_FORBIDDEN}]")

# Anything after which a Markdown parser might see more than words, and spacing that it would tidy.
_MARKUP = re.compile(
    r"[*_`~|<&\\\[$\t]"
    r"|\n(?:[ >#+=-]|\n\n|\d{1,9}[.)])|[ ]\n"
    r"|\A(?:[ \n>#+=-]|\d{1,9}[.)])"
)

# Shown as nothing: a message made only of these is refused as empty.
_INVISIBLE = re.compile(
    "[\\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u206f\u2800\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufffc\ufffe\uffff\U000e0000-\U000e0fff]*"
)


def clean_text(text: str) -> str:
    """The text without characters that Telegram would remove, with plain line ends."""
    if text.isascii() and text.isprintable():
        return text
    if not _DIRTY.search(text):
        return text
    if "\u030a" in text:
        text = unicodedata.normalize("NFC", text)  # the ring above survives inside Å
    return _REMOVED.sub("", _RETURN.sub("\n", text))


def is_plain(text: str) -> bool:
    """Whether Markdown would give the same text back."""
    return _MARKUP.search(text) is None


def is_blank(text: str) -> bool:
    """Whether nothing of the text could be seen."""
    return _INVISIBLE.fullmatch(text) is not None
