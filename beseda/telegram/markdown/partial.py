"""A text that is still being written: formatting that is open at its end is shown as if it were closed there.

Otherwise the reader of a stream sees stars first, and bold letters when the closing stars arrive.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from markdown_it.rules_inline.state_inline import Delimiter

if TYPE_CHECKING:
    from markdown_it.rules_core import StateCore
    from markdown_it.rules_inline import StateInline

# Marks at the very end may be half of what is coming; so may be an address.
_TRAILING_MARKS = re.compile(r"[*_~]{1,3}\Z")
_TRAILING_LINK = re.compile(r"!?\[([^\[\]\n]*)\]\([^()\s]*\Z")
_CODE_START = re.compile(r"(`{1,2})(?!`)")
_DOUBLE = frozenset("~|")


def trim_unfinished(source: str) -> str:
    """The text without a mark or an address that has only begun."""
    return _TRAILING_LINK.sub(r"\1", _TRAILING_MARKS.sub("", source))


def note_tail(state: StateCore) -> None:
    """Remember the piece of text that is still growing: the last one, unless a code block follows it."""
    if "partial" not in state.env:
        return
    for token in reversed(state.tokens):
        if token.nesting == 0 and (token.content or token.type != "inline"):
            if token.type == "inline":
                state.env["tail"] = token.content
            return


def _is_tail(state: StateInline) -> bool:
    return "tail" in state.env and state.env["tail"] is state.src


def parse_open_code(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 (the parser's interface)
    """Inline code that the end of the stream leaves open."""
    if silent or not _is_tail(state):
        return False
    start = _CODE_START.match(state.src, state.pos, state.posMax)
    if start is None or state.src.find(start[1], start.end()) >= 0 or not state.src[start.end() : state.posMax].strip():
        return False
    state.push("code_inline", "code", 0).content = state.src[start.end() : state.posMax]
    state.pos = state.posMax
    return True


def close_open_marks(state: StateInline) -> None:
    """Give each mark that nothing closed its partner at the end, in reverse order."""
    if not _is_tail(state):
        return
    unmatched = []
    reached = -1
    for index, delimiter in enumerate(state.delimiters):
        reached = max(reached, delimiter.end)
        if delimiter.open and delimiter.end < 0 and index > reached:  # in no closed pair
            unmatched.append(delimiter)
    for opener in reversed(unmatched):
        mark = chr(opener.marker)
        state.push("text", "", 0).content = mark * 2 if mark in _DOUBLE else mark
        closer = Delimiter(opener.marker, opener.length, len(state.tokens) - 1, -1, open=False, close=True)
        opener.end = len(state.delimiters)
        state.delimiters.append(closer)
