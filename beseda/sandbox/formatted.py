"""Text with entities after parsing: what Telegram's server does to it before a message is stored.

Offsets and lengths are UTF-16 code units throughout, as in the Bot API (#messageentity).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

Entity = dict[str, Any]

_SPLITTABLE = frozenset({"bold", "italic", "underline", "strikethrough", "spoiler"})
_CODE = frozenset({"code", "pre"})
_CLOSED = frozenset({"code", "pre", "text_link", "text_mention", "custom_emoji"})
MAX_ENTITIES = 100

_REMOVED = re.compile("[\r\u2028-\u202e]")
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f]")
_INVISIBLE = " \n\u00a0\u00ad\u200b\u200c\u200d\u2060\ufeff"


@dataclass(frozen=True, slots=True)
class FormattedText:
    """A text and its entities, ready to be stored in a message."""

    text: str
    entities: list[Entity] = field(default_factory=list)

    @property
    def units(self) -> int:
        """Length in UTF-16 code units, which is what Telegram's limits count."""
        return count_units(self.text)


def count_units(text: str) -> int:
    """Length in UTF-16 code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def clean_text(text: str, entities: list[Entity]) -> FormattedText:
    """Control characters become spaces, carriage returns and direction marks vanish, both ends are trimmed.

    The left end is trimmed only up to the first entity, as Telegram does.
    """
    if _REMOVED.search(text):
        text, entities = _remove_characters(text, entities)
    text = _CONTROL.sub(" ", text)
    if not text.strip(_INVISIBLE):
        return FormattedText("")
    first = min((entity["offset"] for entity in entities), default=len(text))
    left = min(len(text) - len(text.lstrip(" \n")), first)
    text = text[left:].rstrip(" \n")
    if left:
        entities = [{**entity, "offset": entity["offset"] - left} for entity in entities]
    return FormattedText(text, _clamp_entities(entities, count_units(text)))


def _remove_characters(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    removed = [count_units(text[: match.start()]) for match in _REMOVED.finditer(text)]

    def shift(position: int) -> int:
        return position - sum(1 for place in removed if place < position)

    moved = []
    for entity in entities:
        start, end = shift(entity["offset"]), shift(entity["offset"] + entity["length"])
        moved.append({**entity, "offset": start, "length": end - start})
    return _REMOVED.sub("", text), moved


def _clamp_entities(entities: list[Entity], units: int) -> list[Entity]:
    clamped = []
    for entity in entities:
        length = min(entity["length"], units - entity["offset"])
        if length > 0:
            clamped.append(entity if length == entity["length"] else {**entity, "length": length})
    return clamped


def merge_entities(written: list[Entity], found: list[Entity]) -> list[Entity]:
    """Join what the sender marked with what Telegram finds by itself (links, mentions, commands, hashtags)."""
    code = [entity for entity in written if entity["type"] in _CODE]
    if code:
        written = [piece for entity in written for piece in _subtract_code(entity, code)]
    closed = [entity for entity in written if entity["type"] in _CLOSED]
    merged = written + [entity for entity in found if not any(_overlap(entity, other) for other in closed)]
    merged.sort(key=lambda entity: (entity["offset"], -entity["length"]))
    return merged[:MAX_ENTITIES]


def _overlap(one: Entity, other: Entity) -> bool:
    return bool(one["offset"] < other["offset"] + other["length"] and other["offset"] < one["offset"] + one["length"])


def _subtract_code(entity: Entity, code: list[Entity]) -> list[Entity]:
    """Bold and its like cannot be combined with code (#formatting-options): code wins."""
    if entity["type"] not in _SPLITTABLE:
        return [entity]
    pieces = [(entity["offset"], entity["offset"] + entity["length"])]
    for block in code:
        start, end = block["offset"], block["offset"] + block["length"]
        pieces = [
            part
            for left, right in pieces
            for part in ((left, min(right, start)), (max(left, end), right))
            if part[0] < part[1]
        ]
    return [{**entity, "offset": left, "length": right - left} for left, right in pieces]
