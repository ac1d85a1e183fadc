"""Inline rules that Markdown does not have: spoilers, Telegram's tags, formulas, bare addresses."""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from markdown_it.rules_inline import image, link
from markdown_it.rules_inline.state_inline import Delimiter

from beseda.telegram.markdown.entities import is_emoji_id, link_target
from beseda.telegram.markdown.math import is_formula

if TYPE_CHECKING:
    from collections.abc import Iterable

    from markdown_it.rules_inline import StateInline
    from markdown_it.rules_inline.state_inline import Scanned
    from markdown_it.token import Token

_ADDRESS = re.compile(r"://[^\s<>()\[\]`|\"«»]*[^\s<>()\[\]`|\"«»*_~.,;:!?']")
_VERBATIM = re.compile(r"<(code|pre)((?:\s[^<>]*)?)>(.*?)</\1>", re.IGNORECASE | re.DOTALL)
_VERBATIM_START = re.compile(r"<(code|pre)\b", re.IGNORECASE)
_INNER_CODE = re.compile(r"\s*<code((?:\s[^<>]*)?)>(.*)</code>\s*", re.IGNORECASE | re.DOTALL)
_DOLLARS = re.compile(r"\$(?![\s$])((?:[^$\n\\]|\\.){1,300}?)(?<!\s)\$(?![\w$])")
# Characters walked over in vain: an ordinary long answer stays far below.
_MAX_SEARCH = 500_000
# Each level is parsed by a call inside the call before.
_MAX_IMAGE_DEPTH = 4
_DUNDER = re.compile(r"__[a-z][a-z0-9]*(?:_[a-z0-9]+)*__(?![\w])")
_CALL = re.compile(r"\(|\.[a-z_]")
_MATH_PAIRS = {"\\(": "\\)", "\\[": "\\]", "$$": "$$"}
_PIPE = ord("|")
# Scripts from here on are written without spaces, so that emphasis begins inside what looks like a word.
_FIRST_UNSPACED = "\u2e80"
_PATH_SIGNS = frozenset("/\\.@=^")
_OPENING = frozenset({"Ps", "Pi"})


def parse_emphasis(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 (the parser's interface)
    """CommonMark's emphasis, except that a*b*c and x**2 stay and that **"word"**s works: models write all of it."""
    marker = state.src[state.pos]
    if silent:
        return False
    name = _DUNDER.match(state.src, state.pos, state.posMax) if marker == "_" else None
    # Names of Python are no emphasis: object.__dict__, __init__.py, __call__().
    if name and (state.src[max(state.pos - 1, 0)] == "." or _CALL.match(state.src, name.end())):
        state.append_pending(name[0])
        state.pos = name.end()
        return True
    scanned = state.scanDelims(state.pos, marker == "*")
    can_open, can_close = _judge_marks(state, marker, scanned)
    for _ in range(scanned.length):
        state.push("text", "", 0).content = marker
        token = len(state.tokens) - 1
        state.delimiters.append(Delimiter(ord(marker), scanned.length, token, -1, can_open, can_close))
    state.pos += scanned.length
    return True


def _judge_marks(state: StateInline, marker: str, scanned: Scanned) -> tuple[bool, bool]:
    """Return whether marks may open and close emphasis, in cases in which people deviate from CommonMark."""
    can_open, can_close, length = scanned
    before = state.src[state.pos - 1] if state.pos else " "
    after = state.src[state.pos + length : state.pos + length + 1] or " "
    if marker == "_":
        return can_open and before not in _PATH_SIGNS, can_close
    if length == 1 and before.isalnum() and before < _FIRST_UNSPACED and after.isalnum():
        return False, False
    if before.isalnum() and before.isascii():
        can_open = can_open and not (after.isalnum() and after.isascii())
    if length > 1 and before.isalnum():
        can_open = can_open or after == '"' or unicodedata.category(after) in _OPENING
    can_close = can_close or (after.isalnum() and not before.isspace() and unicodedata.category(before) not in _OPENING)
    return can_open, can_close


def parse_link(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 (the parser's interface)
    """CommonMark's link, with a limit on the search, since thousands of brackets may belong to no link."""
    return _may_be_link(state) and (link(state, silent) or _count_search(state))


def parse_image(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 (the parser's interface)
    """CommonMark's image, with the same end to the search."""
    depth = state.env.get("images", 0)
    if not state.src.startswith("![", state.pos) or depth == _MAX_IMAGE_DEPTH or not _may_be_link(state):
        return False
    state.env["images"] = depth + 1
    found = image(state, silent)
    state.env["images"] = depth
    return found or _count_search(state)


def _may_be_link(state: StateInline) -> bool:
    if state.env.get("searched", 0) > _MAX_SEARCH:
        return False
    return "references" in state.env or state.src.find("](", state.pos, state.posMax) >= 0


def _count_search(state: StateInline) -> bool:
    state.env["searched"] = state.env.get("searched", 0) + state.posMax - state.pos
    return False


def parse_spoiler(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 (the parser's interface)
    """Delimiters of ||hidden text||; resolved together with emphasis."""
    if silent or not state.src.startswith("||", state.pos):
        return False
    scanned = state.scanDelims(state.pos, canSplitWord=False)
    if scanned.length == 2:
        state.push("text", "", 0).content = "||"
        token = len(state.tokens) - 1
        state.delimiters.append(Delimiter(_PIPE, 0, token, -1, scanned.can_open, scanned.can_close))
    else:
        state.append_pending("|" * scanned.length)
    state.pos += scanned.length
    return True


def pair_spoilers(state: StateInline) -> None:
    """Turn the matched delimiters into tokens, as the parser's own rules do for emphasis."""
    inner = [meta["delimiters"] for meta in state.tokens_meta if meta and "delimiters" in meta]
    for delimiters in (state.delimiters, *inner):
        for opener in delimiters:
            if opener.marker == _PIPE and opener.end >= 0:
                start, end = state.tokens[opener.token], state.tokens[delimiters[opener.end].token]
                start.type, start.nesting, start.content = "spoiler_open", 1, ""
                end.type, end.nesting, end.content = "spoiler_close", -1, ""


def parse_tag(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 (the parser's interface)
    """A tag of Telegram's; whether it has a partner is decided for the whole text afterwards."""
    if (opening := _VERBATIM_START.match(state.src, state.pos)) and state.src.find(f"</{opening[1]}>", state.pos) < 0:
        return False
    if opening and (match := _VERBATIM.match(state.src, state.pos, state.posMax)):
        if not silent:
            name, attributes, content = match[1].lower(), match[2], match[3]
            if name == "pre" and (inner := _INNER_CODE.fullmatch(content)):
                attributes, content = inner[1], inner[2]
            token = state.push("code_inline" if name == "code" else "pre_inline", name, 0)
            token.content = html.unescape(content)
            token.info = read_attributes(attributes).get("class", "")
        state.pos = match.end()
        return True
    found = TAG.match(state.src, state.pos, state.posMax)
    tag = read_tag(found) if found else None
    if found is None or tag is None:
        return False
    if not silent:
        token = state.push("tg_tag", "", 0)
        token.content = found[0]
        token.meta = {"tag": tag, "balanced": False}
        state.env["tags"] = True
    state.pos = found.end()
    return True


def parse_math(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 (the parser's interface)
    r"""A formula in \(..\), \[..\], $$..$$ or $..$, kept from the rules for escapes and emphasis."""
    start = state.pos
    closer = _MATH_PAIRS.get(state.src[start : start + 2])
    if closer is not None:
        end = state.src.find(closer, start + 2, state.posMax)
        content, after = state.src[start + 2 : end], end + 2
        found = end > 0
    else:
        match = _DOLLARS.match(state.src, start, state.posMax) if state.src[start] == "$" else None
        found = match is not None and not (start and state.src[start - 1].isalnum())
        content, after = (match[1], match.end()) if match else ("", start)
    if not found or not is_formula(content):
        return False
    if not silent:
        state.push("math_inline", "", 0).content = content
    state.pos = after
    return True


def parse_address(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 (the parser's interface)
    """A bare address is text as it stands: the underscores and stars in it are no markup."""
    scheme = state.src[max(state.pos - 5, 0) : state.pos].lower()
    match = _ADDRESS.match(state.src, state.pos, state.posMax) if scheme.endswith(("http", "https")) else None
    if match is None:
        return False
    if not silent:
        state.append_pending(match[0])
    state.pos = match.end()
    return True


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
    kind, value = STYLES.get(name, ""), ""
    attributes = {} if kind else read_attributes(match[3])
    if name == "blockquote":
        kind = "expandable_blockquote" if "expandable" in attributes else "blockquote"
    elif name == "span":
        kind = "spoiler" if attributes.get("class") == "tg-spoiler" else ""
    elif name == "a":
        value = link_target(attributes.get("href", ""))
        kind = "text_link" if value else ""
    elif name == "tg-emoji":
        value = attributes.get("emoji-id", "")
        kind = "custom_emoji" if is_emoji_id(value) else ""
    return Tag(name, closing=False, type=kind, value=value) if kind else None


def read_attributes(source: str) -> dict[str, str]:
    """Attributes by lower-case name, with character references decoded."""
    found = _ATTRIBUTE.finditer(source)
    return {m[1].lower(): html.unescape(m[2] or m[3] or m[4] or "") for m in found}


def mark_balanced_tags(tokens: Iterable[Token]) -> None:
    """Mark each pair of tags that encloses whole pieces of Markdown. Unmarked tags are shown as typed.

    A pair may span paragraphs, but crosses neither emphasis nor the border of a list item or a quote.
    """
    frames = [_Frame()]
    for block in tokens:
        is_border = block.type not in {"paragraph_open", "paragraph_close", "inline"}
        for token in block.children or ([block] if is_border else ()):
            if token.type == "tg_tag":
                frames[-1].add(token)
            elif token.nesting == 1:
                frames.append(_Frame())
            elif token.nesting == -1:
                frames.pop()


@dataclass(slots=True)
class _Frame:
    """The tags still open between two borders; counted, so that a stray end tag costs nothing."""

    _open: list[Token] = field(default_factory=list)
    _counts: dict[str, int] = field(default_factory=dict)

    def add(self, token: Token) -> None:
        tag: Tag = token.meta["tag"]
        if not tag.closing:
            self._open.append(token)
            self._counts[tag.name] = self._counts.get(tag.name, 0) + 1
        elif self._counts.get(tag.name):
            while True:
                opener = self._open.pop()
                name = opener.meta["tag"].name
                self._counts[name] -= 1
                if name == tag.name:
                    break
            opener.meta["balanced"] = token.meta["balanced"] = True
