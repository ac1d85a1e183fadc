"""Cut a formatted text into messages that Telegram takes.

A cut falls between paragraphs if it can, else between lines, sentences, words, visible characters. Formatting goes on
in the next part; a code block moves there as a whole if it fits, or is opened again with its language.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from beseda.telegram.markdown.entities import VERBATIM, Entity, Formatted, is_blank, narrow_text, utf16_len, widen_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from regex import Pattern

__all__ = ["MAX_CAPTION", "MAX_ENTITIES", "MAX_TEXT", "split", "utf16_len"]

# Bot API, sendMessage and sendPhoto: lengths in UTF-16 units after the parsing of entities.
MAX_TEXT: Final = 4096
MAX_CAPTION: Final = 1024
# Telegram forgets the formatting of every further entity without a word.
MAX_ENTITIES: Final = 100

# How full a part must be for a border of that kind to be good enough, from the best kind to the last.
_BORDERS: Final = (
    (re.compile(r"\n(?=\n)"), 0.4),
    (re.compile(r"\n"), 0.5),
    (re.compile(r"(?<=[.!?…;:])[ ]|(?<=[。！？])"), 0.6),
    (re.compile(r"[ \t\u3000]"), 0.0),
)
_CODE_BORDERS: Final = ((re.compile(r"\n(?=\n)"), 0.6), (re.compile(r"\n"), 0.2), (re.compile(r"[ ]"), 0.5))
# A code block that must be cut anyway starts in this part unless so much of it is already filled.
_LATE: Final = 0.7
# A paragraph up to this length right above a code block goes with it: a heading, "run this:".
_INTRODUCTION: Final = 200


def split(formatted: Formatted, limit: int = MAX_TEXT) -> list[Formatted]:
    """The text as parts of at most `limit` UTF-16 units and 100 entities; none for a text of which nothing is seen."""
    if limit < 2:
        raise ValueError("a part must have room for a character of two units")
    if len(formatted.entities) <= MAX_ENTITIES and utf16_len(formatted.text) <= limit:
        return [] if is_blank(formatted.text) else [formatted]
    return _Splitter(formatted, limit).split()


class _Splitter:
    def __init__(self, formatted: Formatted, limit: int) -> None:
        self._text = widen_text(formatted.text)
        self._entities = formatted.entities
        self._limit = limit

    def split(self) -> list[Formatted]:
        parts: list[Formatted] = []
        position = 0
        waiting = list(self._entities)
        while (position := self._skip_space(position, waiting)) < len(self._text):
            cut = self._find_cut(position, waiting)
            part = self._slice(position, cut, waiting)
            if not is_blank(part.text):
                parts.append(part)
            waiting = [entity for entity in waiting if entity.end > cut]
            position = cut
        return parts

    def _skip_space(self, position: int, waiting: list[Entity]) -> int:
        """Return the position behind white space, which a message may not begin with. Keep the indentation of code."""
        text = self._text
        start = position
        while position < len(text) and text[position].isspace():
            position += 1
        code = _code_at(waiting, position)
        if position == len(text) or code is None or code.type != "pre":
            return position
        return max(start, text.rfind("\n", start, position) + 1)

    def _find_cut(self, start: int, waiting: list[Entity]) -> int:
        highest = min(start + self._limit, len(self._text))
        beginning = [entity for entity in waiting if entity.end > start]
        if self._text[highest:].isspace():
            highest = len(self._text)
        if len(beginning) > MAX_ENTITIES:
            # At least two units, so that a part always has room for one character.
            highest = min(highest, max(beginning[MAX_ENTITIES].offset, start + 2))
        if highest == len(self._text):
            return highest
        code = _code_at(waiting, highest, inside=True)
        if code is None:
            return self._find_border(start, highest, _BORDERS)
        if code.offset > start and (code.length <= self._limit or code.offset - start >= _LATE * self._limit):
            return self._find_end_before(start, code)
        if code.type == "code":
            return self._find_border(start, highest, _BORDERS)
        return self._find_border(max(start, code.offset), highest, _CODE_BORDERS, filled_from=start)

    def _find_end_before(self, start: int, code: Entity) -> int:
        """Return the end of a part before this code, so that the code moves to the next part.

        The line that introduces a code block moves there as well.
        """
        if code.type == "code":
            return self._find_border(start, code.offset, _BORDERS)
        above = self._text.rfind("\n\n", start, code.offset - 1)
        joined = code.end - above
        if above > start and code.offset - above <= _INTRODUCTION and joined <= self._limit:
            return above
        return code.offset

    def _find_border(
        self, start: int, highest: int, borders: Iterable[tuple[re.Pattern[str], float]], filled_from: int | None = None
    ) -> int:
        origin = start if filled_from is None else filled_from
        for pattern, filled in borders:
            lowest = max(start + 1, origin + int((highest - origin) * filled))
            # The last match that begins between the two places: it may extend beyond them.
            found = -1
            for match in pattern.finditer(self._text, lowest, min(highest + 2, len(self._text))):
                if match.start() > highest:
                    break
                found = match.start()
            if found > start and self._text[origin:found].strip():
                return found
        return find_safe_cut(self._text, highest, start)

    def _slice(self, start: int, end: int, waiting: list[Entity]) -> Formatted:
        piece = self._text[start:end]
        end = start + len(piece.rstrip())
        entities: list[Entity] = []
        for entity in waiting:
            if entity.offset >= end:
                break
            first, last = max(entity.offset, start), min(entity.end, end)
            if first < last and len(entities) < MAX_ENTITIES:
                entities.append(entity._replace(offset=first - start, length=last - first))
        return Formatted(narrow_text(self._text[start:end]), tuple(entities))


def _code_at(entities: list[Entity], position: int, *, inside: bool = False) -> Entity | None:
    """The code that covers a position; `inside` asks whether a cut there would divide it."""
    for entity in entities:
        if entity.offset > position:
            return None
        if entity.type in VERBATIM and entity.offset + inside <= position < entity.end:
            return entity
    return None


def find_safe_cut(wide: str, position: int, lowest: int) -> int:
    """Return the last boundary of a grapheme cluster at or before `position`, behind `lowest`.

    Indexes count UTF-16 units of a widened text, and `lowest` is a boundary itself. A cluster that fills the whole
    range is divided, between surrogate pairs.
    """
    position = _outside_pair(wide, position)
    # A boundary depends on the characters before it and on the one behind it.
    end = _outside_pair(wide, min(position + 2, len(wide)))
    cut = offset = lowest
    for cluster in _clusters().finditer(narrow_text(wide[lowest:end])):
        offset += utf16_len(cluster[0])
        if offset > position:
            break
        cut = offset
    return cut if cut > lowest else position


@cache
def _clusters() -> Pattern[str]:
    import regex  # noqa: PLC0415 - 70 ms of CPU, for texts without a space to cut at

    return regex.compile(r"\X")


def _outside_pair(wide: str, position: int) -> int:
    """Return `position`, or the one before it if `position` would divide a surrogate pair."""
    inside = 0 < position < len(wide) and "\udc00" <= wide[position] <= "\udfff"
    return position - 1 if inside else position
