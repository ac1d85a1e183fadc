"""Text and entities as the HTML that Telegram's parser reads back into the same text and entities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beseda.telegram.entities import Entity, Formatted, narrow_text, widen_text

if TYPE_CHECKING:
    from collections.abc import Iterable

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


def serialise_html(formatted: Formatted) -> str:
    """HTML for parse_mode HTML; entities must be sorted and not cross, as `Formatted` promises."""
    if not formatted.entities:
        return escape_text(formatted.text)
    text = widen_text(formatted.text)
    parts: list[str] = []
    position = 0
    for offset, mark in _marks(formatted.entities):
        parts += (escape_text(text[position:offset]), mark)
        position = offset
    parts.append(escape_text(text[position:]))
    return narrow_text("".join(parts))


def _marks(entities: Iterable[Entity]) -> Iterable[tuple[int, str]]:
    """Start and end tags with their offsets, in order."""
    open_ends: list[tuple[int, str]] = []
    for entity in entities:
        while open_ends and open_ends[-1][0] <= entity.offset:
            yield open_ends.pop()
        start, end = _tag_pair(entity)
        yield entity.offset, start
        open_ends.append((entity.end, end))
    yield from reversed(open_ends)


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
