"""Text with entities after parsing: the steps between a parsed text and a stored message that TDLib does not export.

Offsets and lengths are UTF-16 code units throughout, as in the Bot API (#messageentity). The order of the steps is that
of `fix_formatted_text` in TDLib's MessageEntity.cpp.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Entity = dict[str, Any]

SPLITTABLE_TYPES = frozenset({"Bold", "Italic", "Underline", "Strikethrough", "Spoiler"})
_QUOTE_TYPES = frozenset({"BlockQuote", "ExpandableBlockQuote"})
_PREFIX = "textEntityType"
MAX_ENTITIES = 100
# TDLib's is_empty_string: a text of nothing but these is no text.
_EMPTY = (
    " \n\t\r\0\v\u00a0\u1680\u180e\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u200c\u200d"
    "\u200e\u200f\u202e\u202f\u205f\u2800\u3000\ufeff\ufffc" + "".join(map(chr, range(0xE0000, 0xE0080)))
)


@dataclass(frozen=True, slots=True)
class FormattedText:
    """A text and its entities, ready to be stored in a message."""

    text: str
    entities: list[Entity] = field(default_factory=list)

    @property
    def units(self) -> int:
        """Length in UTF-16 code units, the unit of Telegram's limits."""
        return count_units(self.text)


@dataclass(frozen=True, slots=True)
class ParsedText:
    """A text with TDLib's entities; a settled one was cleaned and its entities were checked and sorted."""

    text: str
    entities: list[Entity] = field(default_factory=list)
    is_settled: bool = False


def count_units(text: str) -> int:
    """Length in UTF-16 code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def get_kind(entity: Entity) -> str:
    """Type of one of TDLib's entities without its prefix: "Bold", "TextUrl"."""
    return str(entity["type"]["@type"]).removeprefix(_PREFIX)


def trim_text(text: str, entities: list[Entity]) -> FormattedText:
    """Trim both ends, the left one only up to the first entity; a text of invisible characters becomes empty."""
    if not text.strip(_EMPTY):
        return FormattedText("")
    text = text.rstrip(" \n")
    units = count_units(text)
    entities = [
        {**entity, "length": min(entity["length"], units - entity["offset"])}
        for entity in entities
        if entity["offset"] < units
    ]
    first = min((entity["offset"] for entity in entities), default=len(text))
    left = min(len(text) - len(text.lstrip(" \n")), first)
    if left:
        entities = [{**entity, "offset": entity["offset"] - left} for entity in entities]
    return FormattedText(text[left:], entities)


def drop_hidden(found: list[Entity], written: list[Entity]) -> list[Entity]:
    """The links, mentions, commands and so on that Telegram found and may add to the sender's entities.

    One that meets a link or code of the sender is left out, and so is one that crosses the border of a quote.
    """
    kept = []
    for entity in found:
        start, end = entity["offset"], entity["offset"] + entity["length"]
        for one in written:
            first, last = one["offset"], one["offset"] + one["length"]
            overlaps = first < end and start < last
            holds = get_kind(one) in _QUOTE_TYPES and first <= start and end <= last
            if overlaps and not holds and get_kind(one) not in SPLITTABLE_TYPES:
                break
        else:
            kept.append(entity)
    return kept


def limit_count(entities: list[Entity]) -> list[Entity]:
    """A message keeps a hundred entities, of which links, code and quotes come first; emoji are not counted."""
    if len(entities) <= MAX_ENTITIES:
        return entities
    counted = [number for number, entity in enumerate(entities) if get_kind(entity) != "CustomEmoji"]
    counted.sort(key=lambda number: get_kind(entities[number]) in SPLITTABLE_TYPES)
    left_out = set(counted[MAX_ENTITIES:])
    return [entity for number, entity in enumerate(entities) if number not in left_out]
