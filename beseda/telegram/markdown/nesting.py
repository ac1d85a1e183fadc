"""From the formatting of the Markdown to that which Telegram accepts: its rules of nesting, in one place.

Bot API, "Formatting options": entities never cross; code and pre hold nothing; quotes are not nested; bold, italic,
underline, strikethrough and spoiler go into anything else; all others do not hold each other.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from typing import NamedTuple

from beseda.telegram.markdown.entities import ASTRAL, QUOTES, VERBATIM, Entity, Formatted

_RANK = {"blockquote": 0, "expandable_blockquote": 0, "text_link": 1, "custom_emoji": 3, "code": 3, "pre": 3}
_STYLE_RANK = 2
# The field of an entity that holds the value of a span.
_VALUES = {"pre": "language", "custom_emoji": "custom_emoji_id", "text_link": "url"}


class FormatSpan(NamedTuple):
    """A wish for formatting, in characters of the text; spans come outer before inner and never cross."""

    type: str
    start: int
    end: int
    value: str = ""


def finish_text(text: str, spans: list[FormatSpan]) -> Formatted:
    """Trim the text as Telegram would and turn the spans into entities that it accepts as they are."""
    first_span = min((span.start for span in spans if span.type in VERBATIM), default=len(text))
    lead = min(len(text) - len(text.lstrip()), first_span)
    end = len(text.rstrip())
    clipped = [
        span
        if span.start >= lead and span.end <= end
        else span._replace(start=max(span.start, lead), end=min(span.end, end))
        for span in spans
    ]
    trimmed = text[lead:end]
    astral = [] if trimmed.isascii() else [match.start() for match in ASTRAL.finditer(trimmed)]
    entities = []
    for kind, first, last, value in _apply_rules(text, clipped):
        start, end = first - lead, last - lead
        if astral:
            start, end = start + bisect_left(astral, start), end + bisect_left(astral, end)
        where = {_VALUES[kind]: value} if value else {}
        entities.append(Entity(kind, start, end - start, **where))
    return Formatted(trimmed, tuple(entities))


def _apply_rules(text: str, spans: list[FormatSpan]) -> list[FormatSpan]:
    quotes = _outermost([span for span in spans if span.type in QUOTES])
    pre = _outermost([span for span in spans if span.type == "pre"])
    links = _cut(_outermost([span for span in spans if span.type == "text_link"]), pre, quotes)
    links = [span for span in (_trim(text, link) for link in links) if span.start < span.end]
    inner = [span for span in spans if span.type in {"code", "custom_emoji"} and not _overlaps(links, span)]
    leaves = _outermost(sorted([*pre, *inner], key=_place))
    styles = _outermost([span for span in spans if span.type not in _RANK], by_type=True)
    holes = [span for span in leaves if span.type in VERBATIM]
    cut = (_trim(text, span) for span in _cut(styles, holes, quotes))
    everything = [*quotes, *links, *leaves, *cut]
    return sorted((span for span in everything if span.start < span.end), key=_place)


def _place(span: FormatSpan) -> tuple[int, int, int]:
    return span.start, -span.end, _RANK.get(span.type, _STYLE_RANK)


def _outermost(spans: list[FormatSpan], *, by_type: bool = False) -> list[FormatSpan]:
    """Those that lie in no other one of the list, or of their type. The list is in order of their starts."""
    kept: list[FormatSpan] = []
    reached: dict[str, int] = {}
    for span in spans:
        group = span.type if by_type else ""
        if span.start >= reached.get(group, 0) and span.start < span.end:
            kept.append(span)
            reached[group] = span.end
    return kept


def _overlaps(spans: list[FormatSpan], other: FormatSpan) -> bool:
    index = bisect_right(spans, other.start, key=lambda span: span.start)
    if index > 0 and spans[index - 1].end > other.start:
        return True
    return index < len(spans) and spans[index].start < other.end


def _cut(spans: list[FormatSpan], holes: list[FormatSpan], borders: list[FormatSpan]) -> list[FormatSpan]:
    """Return the spans without the parts inside holes, each span divided at the borders that run through it."""
    if not holes and not borders:
        return spans
    edges = sorted({edge for span in (*holes, *borders) for edge in (span.start, span.end)})
    starts = {hole.start for hole in holes}
    pieces: list[FormatSpan] = []
    for span in spans:
        inside = edges[bisect_right(edges, span.start) : bisect_left(edges, span.end)]
        points = [span.start, *inside, span.end]
        pieces += [
            span._replace(start=start, end=end) for start, end in itertools.pairwise(points) if start not in starts
        ]
    return pieces


def _trim(text: str, span: FormatSpan) -> FormatSpan:
    piece = text[span.start : span.end]
    stripped = piece.strip()
    if len(stripped) == len(piece):
        return span
    start = span.start + len(piece) - len(piece.lstrip())
    return span._replace(start=start, end=start + len(stripped))
