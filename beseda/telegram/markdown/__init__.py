"""Markdown, as language models write it, to formatting that Telegram can show.

Markdown becomes text and entities (`Formatted`), which can be cut into messages without harm (`split`), and each part
becomes HTML at the end. So there is no tag that a cut could divide and no HTML that Telegram's parser could refuse, for
any output of the model at any point of its stream.
"""

from __future__ import annotations

from beseda.telegram.markdown.blocks import BlockRenderer
from beseda.telegram.markdown.entities import Entity, Formatted, clean_text, is_blank, is_plain, to_html
from beseda.telegram.markdown.inline import MarkupWriter
from beseda.telegram.markdown.inline_rules import mark_balanced_tags
from beseda.telegram.markdown.nesting import finish_text
from beseda.telegram.markdown.parser import parse_markdown
from beseda.telegram.markdown.partial import trim_unfinished

__all__ = ["Entity", "Formatted", "format_text_html", "render", "to_html"]


def render(markdown: str, *, partial: bool = False) -> Formatted:
    """Text and entities of a Markdown text, whole or cut off anywhere; empty if nothing of it could be seen.

    `partial` is for a text that is still growing: emphasis and code left open at its end are shown as such already.
    """
    source = clean_text(markdown)
    if partial:
        source = trim_unfinished(source)
    formatted = Formatted(source.strip()) if is_plain(source) else _render_markup(source, partial=partial)
    return Formatted("") if is_blank(formatted.text) else formatted


def _render_markup(source: str, *, partial: bool) -> Formatted:
    tokens, env = parse_markdown(source, partial=partial)
    if "tags" in env:
        mark_balanced_tags(tokens)
    writer = MarkupWriter()
    renderer = BlockRenderer(tokens, writer, source)
    renderer.render()
    if references := env.get("references"):
        renderer.write_references(references)
    return finish_text(writer.text(), writer.spans())


def format_text_html(text: str) -> str:
    """Markdown to Telegram's HTML in one step: **bold** to <b>bold</b>, everything foreign escaped."""
    return to_html(render(text))
