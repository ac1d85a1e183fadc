"""Telegram's own tags inside Markdown: which are understood, and which of them are balanced."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, NamedTuple

from beseda.telegram._render_links import is_emoji_id, link_target

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from markdown_it.token import Token

STYLES = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
}
TAG = re.compile(
    r"<(/?)(b|strong|i|em|u|ins|s|strike|del|tg-spoiler|span|a|blockquote|tg-emoji)"
    r"((?:\s(?:[^<>\"']|\"[^\"]*\"|'[^']*')*)?)>",
    re.IGNORECASE,
)
_ATTRIBUTE = re.compile(r"([a-z-]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+)))?", re.IGNORECASE)


class Tag(NamedTuple):
    """A start or end tag of Telegram's, and the entity that it stands for."""

    name: str
    closing: bool
    type: str = ""
    value: str = ""


def read_tag(match: re.Match[str]) -> Tag | None:
    """Return the tag that was matched, or None if its attributes are invalid."""
    name = match[2].lower()
    if match[1]:
        return Tag(name, closing=True)
    if style := STYLES.get(name):
        return Tag(name, closing=False, type=style)
    return _read_tag_with_attributes(name, read_attributes(match[3]))


def _read_tag_with_attributes(name: str, attributes: dict[str, str]) -> Tag | None:
    if name == "blockquote":
        return Tag(name, closing=False, type="expandable_blockquote" if "expandable" in attributes else "blockquote")
    if name == "span":
        return Tag(name, closing=False, type="spoiler") if attributes.get("class") == "tg-spoiler" else None
    if name == "a":
        target = link_target(attributes.get("href", ""))
        return Tag(name, closing=False, type="text_link", value=target) if target else None
    emoji_id = attributes.get("emoji-id", "")
    return Tag(name, closing=False, type="custom_emoji", value=emoji_id) if is_emoji_id(emoji_id) else None


def read_attributes(source: str) -> dict[str, str]:
    """Attributes by lower-case name, with character references decoded."""
    found = _ATTRIBUTE.finditer(source)
    return {m[1].lower(): html.unescape(m[2] or m[3] or m[4] or "") for m in found}


def mark_balanced_tags(tokens: Iterable[Token]) -> None:
    """Mark each pair of tags that encloses whole pieces of Markdown. Unmarked tags are shown as typed.

    A pair may span paragraphs, but crosses neither emphasis nor the border of a list item or a quote.
    """
    frames = [_Frame()]
    for token in _walk_tokens(tokens):
        if token.type == "tg_tag":
            frames[-1].add(token)
        elif token.nesting == 1:
            frames.append(_Frame())
        elif token.nesting == -1:
            frames.pop()


def _walk_tokens(tokens: Iterable[Token]) -> Iterator[Token]:
    for token in tokens:
        if token.children:
            yield from token.children
        elif token.type not in {"paragraph_open", "paragraph_close", "inline"}:
            yield token


class _Frame:
    """The tags still open between two borders; counted, so that a stray end tag costs nothing."""

    __slots__ = ("_counts", "_open")

    def __init__(self) -> None:
        self._open: list[Token] = []
        self._counts: dict[str, int] = {}

    def add(self, token: Token) -> None:
        tag: Tag = token.meta["tag"]
        if not tag.closing:
            self._open.append(token)
            self._counts[tag.name] = self._counts.get(tag.name, 0) + 1
        elif self._counts.get(tag.name):
            self._close(token, tag.name)

    def _close(self, token: Token, name: str) -> None:
        opener_name = ""
        while opener_name != name:
            opener = self._open.pop()
            opener_name = opener.meta["tag"].name
            self._counts[opener_name] -= 1
            if opener_name == name:
                opener.meta["balanced"] = token.meta["balanced"] = True
