"""Text with formatting as Telegram counts it: offsets and lengths are UTF-16 code units."""

from __future__ import annotations

import re
from array import array
from typing import NamedTuple

_ASTRAL = re.compile("[\U00010000-\U0010ffff]")

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
    return len(text) if text.isascii() else len(text) + len(_ASTRAL.findall(text))


def widen_text(text: str) -> str:
    """The text with each astral character as two surrogates, so that an index is a UTF-16 offset."""
    if text.isascii() or not _ASTRAL.search(text):
        return text
    return "".join(map(chr, array("H", text.encode("utf-16-le"))))


def narrow_text(wide: str) -> str:
    """The opposite of `widen_text`, for a slice that cuts no pair."""
    if wide.isascii():
        return wide
    return wide.encode("utf-16-le", "surrogatepass").decode("utf-16-le")


def astral_positions(text: str) -> list[int]:
    """Indexes of the characters that count twice."""
    return [] if text.isascii() else [match.start() for match in _ASTRAL.finditer(text)]
