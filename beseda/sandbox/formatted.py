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
# These mean something even around white space.
_HIDDEN_DATA = frozenset({"pre", "text_link", "text_mention", "custom_emoji", "date_time"})
MAX_ENTITIES = 100
_SPACES = (b" \0", b"\n\0")

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

    Entities start at what is visible; the left end is trimmed only up to the first entity (TDLib, fix_formatted_text).
    """
    if _REMOVED.search(text):
        text, entities = _remove_characters(text, entities)
    text = _CONTROL.sub(" ", text)
    if not text.strip(_INVISIBLE):
        return FormattedText("")
    entities = _skip_leading_spaces(text, entities)
    first = min((entity["offset"] for entity in entities), default=len(text))
    left = min(len(text) - len(text.lstrip(" \n")), first)
    text = text[left:].rstrip(" \n")
    if left:
        entities = [{**entity, "offset": entity["offset"] - left} for entity in entities]
    return FormattedText(text, _clamp_entities(entities, count_units(text)))


def _skip_leading_spaces(text: str, entities: list[Entity]) -> list[Entity]:
    if not entities:
        return entities
    units = text.encode("utf-16-le", "surrogatepass")
    moved = []
    for entity in entities:
        start, end = entity["offset"], entity["offset"] + entity["length"]
        while entity["type"] not in _HIDDEN_DATA and start < end and units[start * 2 : start * 2 + 2] in _SPACES:
            start += 1
        if start < end:
            moved.append({**entity, "offset": start, "length": end - start})
    return moved


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
    written = _limit_count(_join_neighbours(written))
    code = [entity for entity in written if entity["type"] in _CODE]
    if code:
        written = [piece for entity in written for piece in _subtract_code(entity, code)]
    closed = [entity for entity in written if entity["type"] in _CLOSED]
    merged = written + [entity for entity in found if not any(_overlap(entity, other) for other in closed)]
    merged.sort(key=_get_place)
    return merged


def _get_place(entity: Entity) -> tuple[int, int]:
    return entity["offset"], -entity["length"]


def _join_neighbours(entities: list[Entity]) -> list[Entity]:
    """Bold next to bold is one bold."""
    joined: list[Entity] = []
    last: dict[str, Entity] = {}
    for entity in sorted(entities, key=_get_place):
        kind, start = entity["type"], entity["offset"]
        before = last.get(kind)
        if kind in _SPLITTABLE and before is not None and start <= before["offset"] + before["length"]:
            before["length"] = max(before["length"], start + entity["length"] - before["offset"])
            continue
        fresh = dict(entity)
        last[kind] = fresh
        joined.append(fresh)
    return joined


def _limit_count(entities: list[Entity]) -> list[Entity]:
    """A message keeps a hundred entities, of which links, code and quotes come first; emoji are not counted."""
    if len(entities) <= MAX_ENTITIES:
        return entities
    counted = [entity for entity in entities if entity["type"] != "custom_emoji"]
    counted.sort(key=lambda entity: entity["type"] in _SPLITTABLE)
    return counted[:MAX_ENTITIES] + [entity for entity in entities if entity["type"] == "custom_emoji"]


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
