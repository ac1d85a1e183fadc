"""Cuts of a text that divide no grapheme cluster (Unicode, UAX 29): emoji sequences, flags, letters with marks."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from beseda.telegram.entities import narrow_text, utf16_len

if TYPE_CHECKING:
    from regex import Pattern


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
