"""The Markdown parser, assembled once: CommonMark with tables and strikethrough, and the rules of our own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from markdown_it import MarkdownIt
from markdown_it.parser_inline import ParserInline

from beseda.telegram import _render_partial as partial_text
from beseda.telegram import _render_rules_block as block
from beseda.telegram import _render_rules_inline as inline

if TYPE_CHECKING:
    from collections.abc import Callable

    from markdown_it.ruler import RuleOptionsType
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

    InlineRule = Callable[[StateInline, bool], bool]

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
_MAX_BLOCK_NESTING = 100
_MAX_INLINE_NESTING = 20


class _DispatchingInline(ParserInline):
    """Tries only the rules that can begin with the character at hand: half the time of trying each."""

    def __init__(self) -> None:
        super().__init__()
        self.terminator_re = re.compile("[" + re.escape("".join(_DISPATCH)) + "]")
        self._rules: dict[str, tuple[InlineRule, ...]] = {}

    def compile_rules(self) -> None:
        """Look the rules up by name, once all of them are there."""
        known = dict(zip(self.ruler.get_active_rules(), self.ruler.getRules(""), strict=True))
        self._rules = {char: tuple(known[name] for name in names) for char, names in _DISPATCH.items()}

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
        return any(rule(state, silent) for rule in self._rules[state.src[state.pos]])


def _build_parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"maxNesting": _MAX_BLOCK_NESTING, "store_labels": True})
    parser.inline = _DispatchingInline()
    parser.enable(["table", "strikethrough"])
    # "text\n---" is a rule to those who write it, and a heading would flash up while "- item" is being typed.
    parser.disable(["html_block", "lheading", "html_inline", "text_join"])
    interrupts: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    parser.block.ruler.before("fence", "math", block.parse_display_math, interrupts)
    parser.block.ruler.before("fence", "pre", block.parse_pre, interrupts)
    parser.block.ruler.before("fence", "tg_quote", block.parse_quote, interrupts)
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
    parser.inline.compile_rules()
    return parser


_PARSER: Final = _build_parser()


def parse_markdown(text: str, *, partial: bool = False) -> tuple[list[Token], dict[str, Any]]:
    """Return the block tokens of a text with their inline children, and the environment that the rules filled."""
    env: dict[str, Any] = {"partial": True} if partial else {}
    return _PARSER.parse(text, env), env
