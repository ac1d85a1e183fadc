"""Text with formatting as Telegram counts it: offsets and lengths are UTF-16 code units."""

from __future__ import annotations

import re
import unicodedata
from array import array
from typing import Final, NamedTuple
from urllib.parse import unquote

ASTRAL = re.compile("[\U00010000-\U0010ffff]")  # characters that count twice

QUOTES = frozenset({"blockquote", "expandable_blockquote"})
VERBATIM = frozenset({"code", "pre"})


class Entity(NamedTuple):
    """One piece of formatting, named as in the Bot API's MessageEntity."""

    type: str
    offset: int
    length: int
    url: str = ""
    language: str = ""
    custom_emoji_id: str = ""

    @property
    def end(self) -> int:
        """Offset just behind the entity."""
        return self.offset + self.length


class Formatted(NamedTuple):
    """A text and its entities: sorted, never crossing, an outer one before those inside it."""

    text: str
    entities: tuple[Entity, ...] = ()


def utf16_len(text: str) -> int:
    """Length as Telegram counts it, in UTF-16 code units."""
    return len(text) if text.isascii() else len(text) + len(ASTRAL.findall(text))


def widen_text(text: str) -> str:
    """The text with each astral character as two surrogates, so that an index is a UTF-16 offset."""
    if text.isascii() or not ASTRAL.search(text):
        return text
    return "".join(map(chr, array("H", text.encode("utf-16-le"))))


def narrow_text(wide: str) -> str:
    """The opposite of `widen_text`, for a slice that cuts no pair."""
    if wide.isascii():
        return wide
    return wide.encode("utf-16-le", "surrogatepass").decode("utf-16-le")


# Telegram drops or blanks these itself, which would shift every offset behind them
# (TDLib, clean_input_string: control characters, U+2028..U+202E, three combining lines).
_FORBIDDEN = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\ufeff\ufff9-\ufffb\ud800-\udfff\u030a\u0333\u033f"
_DIRTY = re.compile(f"[\r{_FORBIDDEN}]")
_RETURN = re.compile("\r\n?|[\u2028\u2029\x85]")
_REMOVED = re.compile(f"[{_FORBIDDEN}]")

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


def is_blank(text: str) -> bool:
    """Whether nothing of the text could be seen."""
    return _INVISIBLE.fullmatch(text) is not None


_LABEL = r"[^\W_](?:[\w-]*[^\W_])?"
_HTTP = re.compile(
    rf"https?://(?:{_LABEL}\.)+[^\W\d_][\w-]*[^\W_](?::(\d{{1,5}}))?(?:[/?#][^\s<>\"\\]*)?", re.IGNORECASE
)
_TELEGRAM = re.compile(r"tg://user\?id=[1-9]\d{0,15}|tg://[a-z_]{2,40}(?:\?[\w=&%.~+-]*)?", re.IGNORECASE)
_BARE_HOST = re.compile(
    r"(?:www\.|t\.me/|(?:[a-z0-9-]+\.)+(?:com|org|net|ru|io|dev|ai|app|me|info|edu|gov|eu|uk|de)(?:[/?#]|$))",
    re.IGNORECASE,
)
_EMOJI_ID = re.compile(r"[1-9]\d{0,18}")
_MAX_EMOJI_ID = 2**63 - 1
_MAX_PORT = 65535
_MAX_URL = 2048


def link_target(href: str) -> str:
    """Return the address to give to Telegram, or an empty string if it would not become a link."""
    if _BARE_HOST.match(href):
        href = f"https://{href}"
    if len(href) > _MAX_URL:
        return ""
    if match := _HTTP.fullmatch(href):
        port = match[1]
        return href if port is None or 0 < int(port) <= _MAX_PORT else ""
    return href if _TELEGRAM.fullmatch(href) else ""


def readable_target(href: str) -> str:
    """How an address that is no link is shown behind its text; an anchor inside a page is not shown."""
    if href.startswith("#"):
        return ""
    return unquote(href.removeprefix("mailto:").removeprefix("tel:"), errors="replace")


def is_emoji_id(value: str) -> bool:
    """Whether it can be the number of a custom emoji; Telegram refuses the whole message otherwise."""
    return _EMOJI_ID.fullmatch(value) is not None and int(value) <= _MAX_EMOJI_ID


_TAGS: Final = {
    "bold": "b",
    "italic": "i",
    "underline": "u",
    "strikethrough": "s",
    "spoiler": "tg-spoiler",
    "code": "code",
    "blockquote": "blockquote",
}


def escape_text(text: str) -> str:
    """The text with the three characters that Telegram's parser acts upon written as references."""
    if "&" in text:
        text = text.replace("&", "&amp;")
    if "<" in text:
        text = text.replace("<", "&lt;")
    return text.replace(">", "&gt;") if ">" in text else text


def to_html(formatted: Formatted) -> str:
    """HTML for Telegram's parse_mode HTML, which reads back as the same text and entities."""
    if not formatted.entities:
        return escape_text(formatted.text)
    marks: list[tuple[int, str]] = []  # start and end tags with their offsets, in order
    open_ends: list[tuple[int, str]] = []
    for entity in formatted.entities:
        while open_ends and open_ends[-1][0] <= entity.offset:
            marks.append(open_ends.pop())
        start, end = _tag_pair(entity)
        marks.append((entity.offset, start))
        open_ends.append((entity.end, end))
    text = widen_text(formatted.text)
    parts: list[str] = []
    position = 0
    for offset, mark in (*marks, *reversed(open_ends)):
        parts += (escape_text(text[position:offset]), mark)
        position = offset
    parts.append(escape_text(text[position:]))
    return narrow_text("".join(parts))


def _tag_pair(entity: Entity) -> tuple[str, str]:
    if name := _TAGS.get(entity.type):
        return f"<{name}>", f"</{name}>"
    if entity.type == "expandable_blockquote":
        return "<blockquote expandable>", "</blockquote>"
    if entity.type == "pre":
        if not entity.language:
            return "<pre>", "</pre>"
        return f'<pre><code class="language-{_quote(entity.language)}">', "</code></pre>"
    if entity.type == "custom_emoji":
        return f'<tg-emoji emoji-id="{_quote(entity.custom_emoji_id)}">', "</tg-emoji>"
    return f'<a href="{_quote(entity.url)}">', "</a>"


def _quote(value: str) -> str:
    return escape_text(value).replace('"', "&quot;")
