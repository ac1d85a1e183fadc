"""Block tokens to the writer: how paragraphs, lists, quotes, code and tables stand in a message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from beseda.telegram.markdown.entities import link_target
from beseda.telegram.markdown.inline import read_language, render_inline, tidy_code
from beseda.telegram.markdown.math import convert_formula
from beseda.telegram.markdown.table import render_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from markdown_it.token import Token

    from beseda.telegram.markdown.inline import MarkupWriter

BULLET: Final = "•"
RULE: Final = "―" * 12
INDENT: Final = "    "
TASK_MARKS: Final = {"[ ]": "☐", "[x]": "☑", "[X]": "☑"}
NESTED_QUOTE: Final = "│ "
# A quote longer than this is folded: the reader opens it with a tap.
LONG_QUOTE_LENGTH: Final = 600
LONG_QUOTE_LINES: Final = 10
_PARAGRAPH_END = 2  # line ends: a blank line between two blocks


@dataclass(slots=True)
class _Container:
    """The place blocks are laid in one under the other: the message, a list item or a quote."""

    previous: str = ""
    previous_end: int = -1
    in_item: bool = False


@dataclass(slots=True)
class _List:
    number: int | None
    spaced: bool
    items: int = 0


class BlockRenderer:
    """Walks over the block tokens of one text and writes them down."""

    def __init__(self, tokens: Sequence[Token], writer: MarkupWriter, source: str) -> None:
        self._tokens = tokens
        self._lines = source.split("\n")
        self._writer = writer
        self._containers = [_Container()]
        self._lists: list[_List] = []
        self._prefixes: list[str] = []
        self._quote_starts: list[int] = []
        self._position = 0
        self._item_end = -1

    def render(self) -> None:
        """Write all blocks."""
        while self._position < len(self._tokens):
            token = self._tokens[self._position]
            match token.type:
                case "inline":
                    render_inline(self._writer, token.children or ())
                case "paragraph_open":
                    self._begin("paragraph", token)
                case "paragraph_close":
                    pass
                case "heading_close":
                    self._writer.close()
                case "bullet_list_close" | "ordered_list_close":
                    self._lists.pop()
                    self._writer.prefix = self._prefixes.pop()
                    self._containers[-1].previous_end = self._item_end
                case "list_item_close":
                    self._item_end = self._containers.pop().previous_end
                    self._writer.prefix = self._prefixes.pop()
                case "hr":
                    self._begin("rule", token)
                    self._writer.write(RULE)
                case _:
                    _HANDLERS[token.type](self, token)
            self._position += 1

    def write_references(self, references: dict[str, Any]) -> None:
        """Definitions of links that the text never used are shown, for nothing of a text may be lost."""
        used = {child.meta.get("label") for token in self._tokens for child in token.children or ()}
        for label, reference in references.items():
            if label not in used:
                self._begin("reference", None)
                title = f" ({reference['title']})" if reference["title"] else ""
                self._writer.write(f"{label.lower()}: {reference['href']}{title}")

    def _begin(self, kind: str, token: Token | None, *, indented: bool = True) -> None:
        """Write the line ends between the previous block of the container and the next one."""
        container = self._containers[-1]
        start, end = token.map if token is not None and token.map else (-1, -1)
        newlines = _PARAGRAPH_END
        if not container.previous:
            newlines = 1 if container.in_item and kind in {"code", "quote", "list"} else 0
        elif kind != "heading":
            is_below = container.previous == "heading" or container.previous == kind == "reference"
            touches = start >= 0 and container.previous_end == start
            if is_below or touches or (container.in_item and kind == "list"):
                newlines = 1
        if newlines:
            self._writer.start_line(newlines, indented=indented)
        container.previous, container.previous_end = kind, end

    def _open_heading(self, token: Token) -> None:
        if not self._tokens[self._position + 1].content:
            self._position += 2  # nothing but its marks yet
            return
        self._begin("heading", token)
        self._writer.open("bold")

    def _render_code(self, token: Token) -> None:
        language = read_language(token.info)
        # What stands behind the fence and is no language is code that has slipped up there.
        code = tidy_code(token.content if language else f"{token.info.strip()}\n{token.content}")
        if code:
            self._begin("code", token, indented=False)
            self._writer.add("pre", code, language)

    def _render_math(self, token: Token) -> None:
        formula = convert_formula(token.content)
        if formula is not None:
            self._begin("paragraph", token)
            self._writer.write_lines(formula)
        elif source := tidy_code(token.content):
            self._begin("code", token, indented=False)
            self._writer.add("pre", source, "latex")

    def _render_table(self, token: Token) -> None:
        start = self._position
        while self._tokens[self._position].type != "table_close":
            self._position += 1
        drawing, links = render_table(self._tokens[start : self._position])
        self._begin("code", token, indented=False)
        self._writer.add("pre", drawing)
        if links:
            self._writer.start_line(1, indented=True)
        for number, (name, address) in enumerate(links):
            self._writer.write(" · " if number else "")
            self._writer.add("text_link", name, link_target(address))

    def _open_quote(self, token: Token) -> None:
        nested = bool(self._quote_starts)
        self._begin("quote", token, indented=nested)
        self._prefixes.append(self._writer.prefix)
        if nested:
            self._writer.write(NESTED_QUOTE)
            self._writer.prefix += NESTED_QUOTE
        else:
            self._writer.prefix = ""
            self._writer.open("blockquote")
        self._quote_starts.append(-1 if token.meta.get("expandable") else self._writer.length)
        self._containers.append(_Container())

    def _close_quote(self, _token: Token) -> None:
        self._containers.pop()
        self._writer.prefix = self._prefixes.pop()
        start = self._quote_starts.pop()
        if not self._quote_starts:
            quote = self._writer.text_since(start) if start >= 0 else ""
            is_long = len(quote) > LONG_QUOTE_LENGTH or quote.count("\n") >= LONG_QUOTE_LINES
            self._writer.close("expandable_blockquote" if start < 0 or is_long else "blockquote")

    def _open_list(self, token: Token) -> None:
        number = int(token.attrs.get("start", 1)) if token.type == "ordered_list_open" else None
        self._prefixes.append(self._writer.prefix)
        above = self._containers[-1]
        start = token.map[0] if token.map else -1
        follows = number is None and above.previous == "list" and above.previous_end == start >= 0
        # Bullets right below a numbered item, indented by less than CommonMark wants, are meant to be of the item.
        if follows and len(self._containers) == 1 and self._lines[start].startswith(" "):
            self._writer.prefix += INDENT
        self._lists.append(_List(number, spaced=_is_spaced(self._tokens, self._position)))

    def _open_item(self, token: Token) -> None:
        current = self._lists[-1]
        if current.items == 0:
            self._begin("list", token)
        else:
            self._writer.start_line(2 if current.spaced else 1, indented=True)
        children = self._tokens[self._position + 2].children if self._position + 2 < len(self._tokens) else None
        first = children[0] if children else None
        task = ""
        if first is not None and first.type == "text" and first.content[3:4] in {" ", ""}:
            task = TASK_MARKS.get(first.content[:3], "")
            if task:
                first.content = first.content[4:]
        mark = BULLET if current.number is None else f"{current.number + current.items}{token.markup}"
        if task:
            mark = task if current.number is None else f"{mark} {task}"
        self._writer.write(f"{mark} ")
        current.items += 1
        self._prefixes.append(self._writer.prefix)
        self._writer.prefix += INDENT
        self._containers.append(_Container(in_item=True))

    handlers: Final = {
        "heading_open": _open_heading,
        "fence": _render_code,
        "code_block": _render_code,
        "math_block": _render_math,
        "table_open": _render_table,
        "blockquote_open": _open_quote,
        "blockquote_close": _close_quote,
        "bullet_list_open": _open_list,
        "ordered_list_open": _open_list,
        "list_item_open": _open_item,
    }


_HANDLERS: Final[Mapping[str, Callable[[BlockRenderer, Token], None]]] = BlockRenderer.handlers


def _is_spaced(tokens: Sequence[Token], position: int) -> bool:
    """Whether items of the list that starts here hold several paragraphs, and so want air between them."""
    level = tokens[position].level
    paragraphs = 0
    for index in range(position + 1, len(tokens)):
        token = tokens[index]
        if token.level == level:
            return False
        if token.type == "list_item_open" and token.level == level + 1:
            paragraphs = 0
        elif token.type == "paragraph_open" and token.level == level + 2 and not token.hidden:
            paragraphs += 1
            if paragraphs > 1:
                return True
    return False
