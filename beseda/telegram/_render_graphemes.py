"""Where a text may be cut without taking a visible character apart."""

from __future__ import annotations

import unicodedata

_JOINER = "\u200d"
_MARKS = frozenset({"Mn", "Me", "Mc"})
_FLAG_FIRST, _FLAG_LAST = 0x1F1E6, 0x1F1FF
_HIGH, _LOW = range(0xD800, 0xDC00), range(0xDC00, 0xE000)
# No visible character that people use is longer: beyond this only surrogate pairs are respected.
_MAX_STEPS = 64


def find_safe_cut(wide: str, position: int, lowest: int) -> int:
    """The last place at or before `position`, but behind `lowest`, that divides no visible character.

    Indexes count UTF-16 units of a widened text. Surrogate pairs are never divided, not even where nothing else helps.
    """
    fallback = position = _outside_pair(wide, position)
    for _ in range(_MAX_STEPS):
        if position <= lowest:
            break
        if not _is_inside(wide, position):
            return position
        position = _outside_pair(wide, position - 1)
    return fallback


def _outside_pair(wide: str, position: int) -> int:
    inside = 0 < position < len(wide) and ord(wide[position]) in _LOW and ord(wide[position - 1]) in _HIGH
    return position - 1 if inside else position


def _is_inside(wide: str, position: int) -> bool:
    """Whether the characters on both sides of the position belong together."""
    if not 0 < position < len(wide):
        return False
    after, before = _char_at(wide, position), _char_before(wide, position)
    if _JOINER in (after, before) or unicodedata.category(after) in _MARKS:
        return True
    code = ord(after)
    if 0x1F3FB <= code <= 0x1F3FF or 0xE0020 <= code <= 0xE007F or _is_jamo(code):
        return True
    return _is_flag(after) and _flags_before(wide, position) % 2 == 1


def _is_jamo(code: int) -> bool:
    """A vowel or final of a Korean syllable written in pieces."""
    return 0x1160 <= code <= 0x11FF


def _is_flag(char: str) -> bool:
    return _FLAG_FIRST <= ord(char) <= _FLAG_LAST


def _flags_before(wide: str, position: int) -> int:
    count = 0
    while position >= 2 and count < _MAX_STEPS and _is_flag(_char_before(wide, position)):
        count += 1
        position -= 2
    return count


def _char_at(wide: str, position: int) -> str:
    if ord(wide[position]) in _HIGH and position + 1 < len(wide):
        return _join(wide[position : position + 2])
    return wide[position]


def _char_before(wide: str, position: int) -> str:
    if ord(wide[position - 1]) in _LOW and position >= 2:
        return _join(wide[position - 2 : position])
    return wide[position - 1]


def _join(pair: str) -> str:
    return pair.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")[0]
