"""Block rules that Markdown does not have: display formulas, <pre> and <blockquote> on lines of their own."""

from __future__ import annotations

import html
import re
from bisect import bisect_left

from markdown_it.rules_block import StateBlock

from beseda.telegram._render_tags import read_attributes

_PRE = re.compile(r"<pre>\s*?(?:<code((?:\s[^<>]*)?)>)?(.*?)(?:</code>\s*)?</pre>", re.IGNORECASE | re.DOTALL)
_QUOTE_START = re.compile(r"<blockquote(\s+expandable[^<>]*)?>", re.IGNORECASE)
_QUOTE_EDGE = re.compile(r"<(/?)blockquote[^<>]*>", re.IGNORECASE)
_MAX_FORMULA_LINES = 60
_MATH_PAIRS = {"\\[": "\\]", "$$": "$$"}


def parse_display_math(state: StateBlock, first: int, last: int, silent: bool) -> bool:  # noqa: FBT001 (the parser's interface)
    r"""A formula between \[ and \] or $$ and $$ on lines of its own, without a blank line inside."""
    start = state.bMarks[first] + state.tShift[first]
    closer = _MATH_PAIRS.get(state.src[start : start + 2])
    if closer is None or state.is_code_block(first):
        return False
    line = _find_math_end(state, first, last, start, closer)
    if line is None:
        return False
    if not silent:
        source = state.getLines(first, line + 1, state.blkIndent, keepLastLF=False).strip()
        token = state.push("math_block", "", 0)
        token.content = source[2:-2]
        token.map = [first, line + 1]
        state.line = line + 1
    return True


def _find_math_end(state: StateBlock, first: int, last: int, start: int, closer: str) -> int | None:
    for line in range(first, min(last, first + _MAX_FORMULA_LINES)):
        if state.isEmpty(line) or state.sCount[line] < state.blkIndent:
            return None
        begin = start + 2 if line == first else state.bMarks[line]
        text = state.src[begin : state.eMarks[line]]
        if closer in text:
            return line if text.rstrip().endswith(closer) and text.count(closer) == 1 else None
    return None


def parse_pre(state: StateBlock, first: int, last: int, silent: bool) -> bool:  # noqa: FBT001 (the parser's interface)
    """A <pre> that starts a line is code up to its end tag, blank lines included."""
    start = state.bMarks[first] + state.tShift[first]
    if state.src[start : start + 5].lower() != "<pre>" or state.is_code_block(first):
        return False
    match = _PRE.match(state.src, start, state.eMarks[last - 1]) if state.src.find("</pre>", start) > 0 else None
    line = _closing_line(state, match.end() if match else -1)
    if match is None or line is None:
        return False
    if not silent:
        token = state.push("fence", "code", 0)
        token.content = html.unescape(match[2]).strip("\n")
        token.info = read_attributes(match[1] or "").get("class", "")
        token.map = [first, line + 1]
        state.line = line + 1
    return True


def parse_quote(state: StateBlock, first: int, last: int, silent: bool) -> bool:  # noqa: FBT001 (the parser's interface)
    """A <blockquote> that starts a line; inside it is Markdown."""
    start = state.bMarks[first] + state.tShift[first]
    opening = _QUOTE_START.match(state.src, start) if state.src.startswith("<", start) else None
    if opening is None or state.is_code_block(first):
        return False
    end = _find_quote_end(state.src, opening.end(), state.eMarks[last - 1])
    line = _closing_line(state, end[1]) if end else None
    if end is None or line is None:
        return False
    if not silent:
        token = state.push("blockquote_open", "blockquote", 1)
        token.map = [first, line + 1]
        token.meta = {"expandable": bool(opening[1])}
        inner = StateBlock(state.src[opening.end() : end[0]], state.md, state.env, state.tokens)
        inner.level = state.level
        state.md.block.tokenize(inner, inner.line, inner.lineMax)
        state.push("blockquote_close", "blockquote", -1)
        state.line = line + 1
    return True


def _find_quote_end(source: str, start: int, stop: int) -> tuple[int, int] | None:
    if source.find("</blockquote>", start, stop) < 0:
        return None
    depth = 1
    for edge in _QUOTE_EDGE.finditer(source, start, stop):
        depth += -1 if edge[1] else 1
        if depth == 0:
            return edge.start(), edge.end()
    return None


def _closing_line(state: StateBlock, end: int) -> int | None:
    """The line that ends at this position, if nothing but spaces follows on it."""
    if end < 0:
        return None
    line = bisect_left(state.eMarks, end)
    return None if state.src[end : state.eMarks[line]].strip() else line
