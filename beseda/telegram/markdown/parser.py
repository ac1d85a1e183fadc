"""The Markdown parser, assembled once: CommonMark with tables and strikethrough, and the rules of our own.

The block rules stand here: display formulas, <pre> and <blockquote> on lines of their own.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_left
from typing import TYPE_CHECKING, Final

from markdown_it import MarkdownIt
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_block import StateBlock

from beseda.telegram.markdown import inline_rules as inline
from beseda.telegram.markdown import partial as partial_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from markdown_it.ruler import RuleOptionsType
    from markdown_it.rules_inline import StateInline

    InlineRule = Callable[[StateInline, bool], bool]

_PRE = re.compile(r"<pre>\s*?(?:<code((?:\s[^<>]*)?)>)?(.*?)(?:</code>\s*)?</pre>", re.IGNORECASE | re.DOTALL)
_QUOTE_START = re.compile(r"<blockquote(\s+expandable[^<>]*)?>", re.IGNORECASE)
_QUOTE_EDGE = re.compile(r"<(/?)blockquote[^<>]*>", re.IGNORECASE)
# The text between two stray delimiters is no formula, and is not searched to its end.
_MAX_FORMULA_LINES = 60
_MATH_PAIRS = {"\\[": "\\]", "$$": "$$"}


def parse_display_math(state: StateBlock, first: int, last: int, silent: bool) -> bool:  # noqa: FBT001 (the parser's interface)
    r"""A formula between \[ and \] or $$ and $$ on lines of its own, without a blank line inside."""
    start = state.bMarks[first] + state.tShift[first]
    closer = _MATH_PAIRS.get(state.src[start : start + 2])
    if closer is None or state.is_code_block(first):
        return False
    for line in range(first, min(last, first + _MAX_FORMULA_LINES)):
        if state.isEmpty(line) or state.sCount[line] < state.blkIndent:
            return False
        text = state.src[start + 2 if line == first else state.bMarks[line] : state.eMarks[line]]
        if closer in text:
            break
    else:
        return False
    if not text.rstrip().endswith(closer) or text.count(closer) != 1:
        return False
    if not silent:
        source = state.getLines(first, line + 1, state.blkIndent, keepLastLF=False).strip()
        token = state.push("math_block", "", 0)
        token.content = source[2:-2]
        token.map = [first, line + 1]
        state.line = line + 1
    return True


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
        token.info = inline.read_attributes(match[1] or "").get("class", "")
        token.map = [first, line + 1]
        state.line = line + 1
    return True


def parse_quote(state: StateBlock, first: int, last: int, silent: bool) -> bool:  # noqa: FBT001 (the parser's interface)
    """A <blockquote> that starts a line; inside it is Markdown."""
    start = state.bMarks[first] + state.tShift[first]
    opening = _QUOTE_START.match(state.src, start) if state.src.startswith("<", start) else None
    if opening is None or state.is_code_block(first):
        return False
    stop = state.eMarks[last - 1]
    if state.src.find("</blockquote>", opening.end(), stop) < 0:
        return False
    depth, end = 1, None
    for edge in _QUOTE_EDGE.finditer(state.src, opening.end(), stop):
        depth += -1 if edge[1] else 1
        if depth == 0:
            end = edge
            break
    line = _closing_line(state, end.end()) if end else None
    if end is None or line is None:
        return False
    if not silent:
        token = state.push("blockquote_open", "blockquote", 1)
        token.map = [first, line + 1]
        token.meta = {"expandable": bool(opening[1])}
        inner = StateBlock(state.src[opening.end() : end.start()], state.md, state.env, state.tokens)
        inner.level = state.level
        state.md.block.tokenize(inner, inner.line, inner.lineMax)
        state.push("blockquote_close", "blockquote", -1)
        state.line = line + 1
    return True


def _closing_line(state: StateBlock, end: int) -> int | None:
    """The line that ends at this position, if nothing but spaces follows on it."""
    if end < 0:
        return None
    line = bisect_left(state.eMarks, end)
    return None if state.src[end : state.eMarks[line]].strip() else line


# Which inline rules can begin with a character, in the order in which they are tried.
_DISPATCH: Final = {
    "\n": ("newline",),
    "\\": ("math", "escape"),
    "$": ("math",),
    "`": ("open_code", "backticks"),
    "*": ("emphasis",),
    "_": ("emphasis",),
    "~": ("strikethrough",),
    "|": ("spoiler",),
    "[": ("link",),
    "]": (),
    "!": ("image",),
    "<": ("autolink", "tag"),
    "&": ("entity",),
    ":": ("address",),
}
# Levels of quotes, lists and links: each is a call inside the call before, and Python allows about a thousand.
_MAX_BLOCK_NESTING = 100
_MAX_INLINE_NESTING = 20


class _DispatchingInline(ParserInline):
    """Tries only the rules that can begin with the character at hand: half the time of trying each."""

    def __init__(self) -> None:
        super().__init__()
        self.terminator_re = re.compile("[" + re.escape("".join(_DISPATCH)) + "]")
        self.rules: dict[str, tuple[InlineRule, ...]] = {}

    def tokenize(self, state: StateInline) -> None:
        """Read the whole range into tokens."""
        source, end, search = state.src, state.posMax, self.terminator_re.search
        while state.pos < end:
            found = search(source, state.pos, end)
            stop = found.start() if found else end
            if stop > state.pos:
                state.append_pending(source[state.pos : stop])
                state.pos = stop
            elif not self._apply(state, silent=False):
                state.append_pending(source[stop])
                state.pos += 1
        if state.pending:
            state.pushPending()

    def skipToken(self, state: StateInline) -> None:  # noqa: N802 (the parser's interface)
        """Step over one token without making it, for the search of a link's end."""
        start = state.pos
        if (known := state.cache.get(start)) is not None:
            state.pos = known
            return
        found = self.terminator_re.search(state.src, start, state.posMax)
        stop = found.start() if found else state.posMax
        if stop > start:
            state.pos = stop
        elif state.level >= _MAX_INLINE_NESTING:
            state.pos = state.posMax
        else:
            state.level += 1
            skipped = self._apply(state, silent=True)
            state.level -= 1
            if not skipped:
                state.pos += 1
        state.cache[start] = state.pos

    def _apply(self, state: StateInline, *, silent: bool) -> bool:
        if state.level >= _MAX_INLINE_NESTING:
            return False
        return any(rule(state, silent) for rule in self.rules[state.src[state.pos]])


def _build_parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"maxNesting": _MAX_BLOCK_NESTING, "store_labels": True})
    parser.inline = dispatching = _DispatchingInline()
    parser.enable(["table", "strikethrough"])
    # "text\n---" is a rule to those who write it, and a heading would flash up while "- item" is being typed.
    parser.disable(["html_block", "lheading", "html_inline", "text_join"])
    interrupts: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    parser.block.ruler.before("fence", "math", parse_display_math, interrupts)
    parser.block.ruler.before("fence", "pre", parse_pre, interrupts)
    parser.block.ruler.before("fence", "tg_quote", parse_quote, interrupts)
    parser.inline.ruler.at("emphasis", inline.parse_emphasis)
    parser.inline.ruler.at("link", inline.parse_link)
    parser.inline.ruler.at("image", inline.parse_image)
    for name, rule in (("spoiler", inline.parse_spoiler), ("tag", inline.parse_tag), ("math", inline.parse_math)):
        parser.inline.ruler.push(name, rule)
    parser.inline.ruler.push("address", inline.parse_address)
    parser.inline.ruler2.after("balance_pairs", "spoiler", inline.pair_spoilers)
    parser.core.ruler.before("inline", "tail", partial_text.note_tail)
    parser.inline.ruler.push("open_code", partial_text.parse_open_code)
    parser.inline.ruler2.after("balance_pairs", "open_marks", partial_text.close_open_marks)
    rules = parser.inline.ruler
    known = dict(zip(rules.get_active_rules(), rules.getRules(""), strict=True))
    dispatching.rules = {char: tuple(known[name] for name in names) for char, names in _DISPATCH.items()}
    return parser


PARSER: Final = _build_parser()
