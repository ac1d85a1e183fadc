"""Inline tokens to the writer: emphasis, links, images, code, formulas, Telegram's tags."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from beseda.telegram.markdown.entities import clean_text, is_emoji_id, link_target, readable_target
from beseda.telegram.markdown.math import convert_formula
from beseda.telegram.markdown.nesting import FormatSpan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.token import Token

    from beseda.telegram.markdown.inline_rules import Tag


class MarkupWriter:
    """Appends text, remembers which part of it is to be formatted, and indents the lines of nested blocks."""

    __slots__ = ("_open", "_parts", "_slots", "length", "prefix")

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._slots: list[FormatSpan | None] = []
        self._open: list[tuple[int, str, int, str]] = []
        self.length = 0
        self.prefix = ""

    def write(self, text: str) -> None:
        """Append text without line ends, or text with lines that must not be indented."""
        self._parts.append(text)
        self.length += len(text)

    def write_lines(self, text: str) -> None:
        """Append text; its further lines are indented like the current one."""
        self.write(text.replace("\n", f"\n{self.prefix}") if self.prefix else text)

    def start_line(self, newlines: int, *, indented: bool) -> None:
        """End the line this many times, and begin the next one."""
        self.write("\n" * newlines + (self.prefix if indented else ""))

    def open(self, kind: str, value: str = "") -> None:
        """Begin a span here; a place is kept for it, so that the outer one comes first."""
        self._open.append((len(self._slots), kind, self.length, value))
        self._slots.append(None)

    def close(self, kind: str = "") -> None:
        """End the innermost span here, as another kind if one is given."""
        slot, opened_as, start, value = self._open.pop()
        self._slots[slot] = FormatSpan(kind or opened_as, start, self.length, value)

    def close_link(self) -> None:
        """End a link here; an address that Telegram would not open is written behind the text instead."""
        slot, kind, start, value = self._open.pop()
        if kind:
            self._slots[slot] = FormatSpan(kind, start, self.length, value)
        elif value and self.text_since(start) != value:
            self.write(f" ({value})")

    def add(self, kind: str, text: str, value: str = "") -> None:
        """Append text that is one span."""
        self._slots.append(FormatSpan(kind, self.length, self.length + len(text), value))
        self.write(text)

    def text_since(self, start: int) -> str:
        """Return the text written from this length on."""
        return self.text()[start:]

    def text(self) -> str:
        """Everything written so far."""
        if len(self._parts) > 1:
            self._parts = ["".join(self._parts)]
        return self._parts[0] if self._parts else ""

    def spans(self) -> list[FormatSpan]:
        """All finished spans, outer before inner."""
        return [span for span in self._slots if span is not None]


_STYLES: Final = {
    "strong_open": "bold",
    "em_open": "italic",
    "s_open": "strikethrough",
    "spoiler_open": "spoiler",
}
_EMOJI_LINK = "tg://emoji?id="
_LANGUAGE = re.compile(r"[\s{.]*(?:language-)?([\w+#.-]{1,30})(?=[\s,:;{}]|\Z)", re.ASCII)
TAB_SIZE: Final = 4


def render_inline(writer: MarkupWriter, tokens: Sequence[Token]) -> None:
    """Append the children of an inline token."""
    for token in tokens:
        kind = token.type
        if kind == "text":
            if token.content:
                writer.write(token.content)
        elif kind in _STYLES:
            writer.open(_STYLES[kind])
        elif kind in _CLOSERS:
            writer.close()
        elif kind in {"softbreak", "hardbreak"}:
            writer.write(f"\n{writer.prefix}")
        else:
            _render_special(writer, token)


_CLOSERS: Final = frozenset(kind.replace("_open", "_close") for kind in _STYLES)


def read_language(info: str) -> str:
    """The programming language that a code block names, if it names one."""
    match = _LANGUAGE.match(info)
    return match[1] if match else ""


def tidy_code(source: str) -> str:
    """Code without blank lines around it, with spaces for tabs: Telegram makes one space of a tab."""
    return clean_text(source).rstrip().lstrip("\n").expandtabs(TAB_SIZE)


def _render_special(writer: MarkupWriter, token: Token) -> None:
    match token.type:
        case "code_inline":
            if (code := clean_text(token.content)).strip():
                writer.add("code", code)
            else:
                writer.write(token.content)
        case "text_special":  # a character written as &name; or with a backslash
            is_name = token.info == "entity"
            writer.write(clean_text(token.content).replace("\n", " ") if is_name else token.content)
        case "link_open":
            _open_link(writer, token)
        case "link_close":
            writer.close_link()
        case "math_inline":
            _render_math(writer, token)
        case "pre_inline":
            if code := tidy_code(token.content):
                writer.add("pre", code, read_language(token.info))
        case "image":
            _render_image(writer, token)
        case "tg_tag":
            _render_tag(writer, token)
        case unknown:
            raise LookupError(unknown)


def _render_math(writer: MarkupWriter, token: Token) -> None:
    formula = convert_formula(token.content)
    if formula is None:
        writer.add("code", token.content.strip())
    else:
        writer.write_lines(formula)


def _open_link(writer: MarkupWriter, token: Token) -> None:
    href = str(token.attrs.get("href", ""))
    target = link_target(href)
    # An address in angle brackets is recognised by Telegram itself.
    if target and token.info != "auto":
        writer.open("text_link", target)
    else:
        writer.open("", "" if token.info == "auto" else readable_target(href))


def _render_image(writer: MarkupWriter, token: Token) -> None:
    href = str(token.attrs.get("src", ""))
    start = writer.length
    emoji_id = href.removeprefix(_EMOJI_LINK) if href.startswith(_EMOJI_LINK) else ""
    if is_emoji_id(emoji_id):
        writer.open("custom_emoji", emoji_id)
    elif target := link_target(href):
        writer.open("text_link", target)
    else:
        writer.open("", readable_target(href))
    render_inline(writer, token.children or ())
    if writer.length == start:
        writer.write(href)
    writer.close_link()


def _render_tag(writer: MarkupWriter, token: Token) -> None:
    tag: Tag = token.meta["tag"]
    if not token.meta["balanced"]:
        writer.write_lines(token.content)
    elif tag.closing:
        writer.close()
    else:
        writer.open(tag.type, tag.value)
