"""Inline tokens to the writer: emphasis, links, images, code, formulas, Telegram's tags."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from beseda.telegram._render_clean import clean_text
from beseda.telegram._render_links import is_emoji_id, link_target, readable_target
from beseda.telegram._render_math import convert_formula

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from markdown_it.token import Token

    from beseda.telegram._render_tags import Tag
    from beseda.telegram._render_writer import MarkupWriter

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
            _RENDERERS[kind](writer, token)


_CLOSERS: Final = frozenset(kind.replace("_open", "_close") for kind in _STYLES)


def read_language(info: str) -> str:
    """The programming language that a code block names, if it names one."""
    match = _LANGUAGE.match(info)
    return match[1] if match else ""


def tidy_code(source: str) -> str:
    """Code without blank lines around it, with spaces for tabs: Telegram makes one space of a tab."""
    return clean_text(source).rstrip().lstrip("\n").expandtabs(TAB_SIZE)


def _render_reference(writer: MarkupWriter, token: Token) -> None:
    """A character written as &name; or with a backslash."""
    writer.write(clean_text(token.content).replace("\n", " ") if token.info == "entity" else token.content)


def _render_code(writer: MarkupWriter, token: Token) -> None:
    code = clean_text(token.content)
    if code.strip():
        writer.add("code", code)
    else:
        writer.write(token.content)


def _render_pre(writer: MarkupWriter, token: Token) -> None:
    code = tidy_code(token.content)
    if code:
        writer.add("pre", code, read_language(token.info))


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


def _close_link(writer: MarkupWriter, token: Token) -> None:
    writer.close_link()


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


_RENDERERS: Final[dict[str, Callable[[MarkupWriter, Token], None]]] = {
    "text_special": _render_reference,
    "code_inline": _render_code,
    "pre_inline": _render_pre,
    "math_inline": _render_math,
    "link_open": _open_link,
    "link_close": _close_link,
    "image": _render_image,
    "tg_tag": _render_tag,
}
