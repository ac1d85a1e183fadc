"""Markdown, as language models write it, to formatting that Telegram can show.

Markdown becomes text and entities (`Formatted`), which can be cut into messages without harm (`split`), and each part
becomes HTML at the end. So there is no tag that a cut could divide and no HTML that Telegram's parser could refuse, for
any output of the model at any point of its stream.
"""

from __future__ import annotations

import re
from typing import Any

from beseda.telegram.markdown.blocks import BlockRenderer
from beseda.telegram.markdown.entities import Entity, Formatted, clean_text, is_blank, to_html
from beseda.telegram.markdown.inline import MarkupWriter
from beseda.telegram.markdown.inline_rules import mark_balanced_tags
from beseda.telegram.markdown.nesting import finish_text
from beseda.telegram.markdown.parser import PARSER
from beseda.telegram.markdown.partial import trim_unfinished

__all__ = ["Entity", "Formatted", "format_text_html", "render", "to_html"]

# Anything after which a Markdown parser might see more than words, and spacing that it would tidy.
_MARKUP = re.compile(
    r"[*_`~|<&\\\[$\t]"
    r"|\n(?:[ >#+=-]|\n\n|\d{1,9}[.)])|[ ]\n"
    r"|\A(?:[ \n>#+=-]|\d{1,9}[.)])"
)


def render(markdown: str, *, partial: bool = False) -> Formatted:
    """Text and entities of a Markdown text, whole or cut off anywhere; empty if nothing of it could be seen.

    `partial` is for a text that is still growing: emphasis and code left open at its end are shown as such already.
    """
    source = clean_text(markdown)
    if partial:
        source = trim_unfinished(source)
    formatted = Formatted(source.strip())
    if _MARKUP.search(source):
        env: dict[str, Any] = {"partial": True} if partial else {}  # the rules put into it what they find
        tokens = PARSER.parse(source, env)
        if "tags" in env:
            mark_balanced_tags(tokens)
        writer = MarkupWriter()
        renderer = BlockRenderer(tokens, writer, source)
        renderer.render()
        if references := env.get("references"):
            renderer.write_references(references)
        formatted = finish_text(writer.text(), writer.spans())
    return Formatted("") if is_blank(formatted.text) else formatted


def format_text_html(text: str) -> str:
    """Markdown to Telegram's HTML in one step: **bold** to <b>bold</b>, everything foreign escaped."""
    return to_html(render(text))
