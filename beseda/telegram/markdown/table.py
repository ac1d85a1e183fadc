"""Tables as monospaced text: columns are aligned by the display width of characters."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, NamedTuple

from beseda.telegram.markdown.inline import MarkupWriter, render_inline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.token import Token


# A message on a desktop shows about this much of a monospaced line, a telephone less: longer cells are broken.
MAX_WIDTH = 56
_MIN_COLUMN = 8
# Anything but Latin, Greek and Cyrillic, whose characters all take one column.
_UNEVEN = re.compile("[^\x20-\x7e\xa1-\xac\xae-\u02ff\u0370-\u0482\u048a-\u0556\u2010-\u2027]")
_VARIATION_EMOJI = "\ufe0f"
_JOINER = "\u200d"
_ZERO_WIDTH = frozenset({"Mn", "Me", "Cf", "Cc"})
_BREAKS = ("<br>", "<br/>", "<br />")


class Cell(NamedTuple):
    """The text of a cell and how it stands in its column."""

    text: str
    align: str
    links: list[tuple[str, str]]


def display_width(text: str) -> int:
    """Columns that a text takes in a monospaced font: wide characters and emoji take two, marks none."""
    if not _UNEVEN.search(text):
        return len(text)
    width = 0
    previous = joined = 0
    for char in text:
        if char == _VARIATION_EMOJI:
            width += 2 - previous if previous == 1 else 0
            continue
        if joined or 0x1F3FB <= ord(char) <= 0x1F3FF:
            previous, joined = 0, 0
            continue
        joined = char == _JOINER
        if unicodedata.category(char) in _ZERO_WIDTH:
            previous = 0
        elif 0x1F1E6 <= ord(char) <= 0x1F1FF:
            previous = 1  # half a flag
        else:
            previous = 2 if unicodedata.east_asian_width(char) in "WF" else 1
        width += previous
    return width


def render_table(tokens: Sequence[Token]) -> tuple[str, list[tuple[str, str]]]:
    """The tokens between table_open and table_close as aligned lines, and the links of the cells (text, address)."""
    rows = _read_rows(tokens)
    columns = max(map(len, rows), default=0)
    widths = [max((display_width(row[i].text) for row in rows if i < len(row)), default=0) for i in range(columns)]
    widths = _fit_widths(widths)
    lines: list[str] = []
    broken = any(display_width(cell.text) > widths[i] for row in rows for i, cell in enumerate(row))
    rule = "┼".join("─" * (width + 2) for width in widths)[1:-1]
    for number, row in enumerate(rows):
        if number == 1 or (broken and number):
            lines.append(rule)
        lines += _draw_row(row, widths)
    if len(rows) == 1:
        lines.append(rule)
    return "\n".join(lines), [link for row in rows for cell in row for link in cell.links]


def _read_rows(tokens: Sequence[Token]) -> list[list[Cell]]:
    rows: list[list[Cell]] = []
    align = ""
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type in {"th_open", "td_open"}:
            align = str(token.attrs.get("style", "")).removeprefix("text-align:")
        elif token.type == "inline":
            writer = MarkupWriter()
            render_inline(writer, token.children or ())
            text = writer.text()
            found = [span for span in writer.spans() if span.type == "text_link"]
            links = [(" ".join(text[span.start : span.end].split()), span.value) for span in found]
            for mark in _BREAKS:
                text = text.replace(mark, " ")
            rows[-1].append(Cell(" ".join(text.split()), align, links))
    return rows


def _fit_widths(widths: list[int]) -> list[int]:
    """Narrow the widest columns until a line fits."""
    available = max(MAX_WIDTH - 3 * (len(widths) - 1), _MIN_COLUMN * len(widths))
    fitted = list(widths)
    while sum(fitted) > available:
        widest = max(fitted)
        others = [width for width in fitted if width < widest]
        surplus = sum(fitted) - available
        count = len(fitted) - len(others)
        lowest = max(max(others, default=_MIN_COLUMN), widest - -(-surplus // count), _MIN_COLUMN)
        if lowest >= widest:
            break
        fitted = [min(width, lowest) for width in fitted]
    return fitted


def _draw_row(row: Sequence[Cell], widths: Sequence[int]) -> list[str]:
    wrapped = [_wrap(cell.text, width) for cell, width in zip(row, widths, strict=False)]
    height = max(map(len, wrapped), default=1)
    lines = []
    for level in range(height):
        pieces = []
        for lines_of_cell, width, cell in zip(wrapped, widths, row, strict=False):
            text = lines_of_cell[level] if level < len(lines_of_cell) else ""
            space = max(width - display_width(text), 0)
            before = {"right": space, "center": space // 2}.get(cell.align, 0)
            pieces.append(" " * before + text + " " * (space - before))
        lines.append(" │ ".join(pieces).rstrip())
    return lines


def _wrap(text: str, width: int) -> list[str]:
    if display_width(text) <= width:
        return [text]
    lines = [""]
    for word in text.split(" "):
        pieces = [word]
        if display_width(word) > width:
            pieces = [""]
            for char in word:
                if display_width(pieces[-1] + char) > width:
                    pieces.append("")
                pieces[-1] += char
        for piece in pieces:
            joined = f"{lines[-1]} {piece}" if lines[-1] else piece
            if display_width(joined) <= width:
                lines[-1] = joined
            else:
                lines.append(piece)
    return lines
