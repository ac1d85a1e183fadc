"""A report as XLSX: key figures with charts, then the lists; written line by line, so that length costs no memory."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.chart import BarChart, LineChart, Reference
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from beseda.services.report.content import Cell, Chart, ChartKind, Column, Content, Kind, Rows, Sheet
from beseda.services.report.texts import FIGURES

_FORMATS = {
    Kind.NUMBER: "0",
    Kind.COUNT: "#,##0",
    Kind.MONEY: "$#,##0.00##",
    Kind.PERCENT: '0.0"%"',
    Kind.SECONDS: "0.0",
    Kind.DAY: "yyyy-mm-dd",
    Kind.MOMENT: "yyyy-mm-dd hh:mm",
}
_LONGEST = 32_767  # characters of a cell: Excel's own limit
_MOST_ROWS = 1_048_000  # of a sheet, a little under Excel's 1,048,576
_HEAD = PatternFill("solid", fgColor="1F3A5F")
_HEAD_FONT = Font(bold=True, color="FFFFFF")
_BLANKS = str.maketrans(dict.fromkeys("[]:*?/\\", " "))


class XlsxWriter:
    """Writes all sheets."""

    def __init__(self, path: Path, content: Content, language: str) -> None:
        self._path = path
        self._language = language
        self._book = Workbook(write_only=True)
        self._sheet: Any = None
        self._now: Sheet | None = None
        self._cells: list[Any] = []
        self._rows = 0
        self._parts = 0
        self._add_figures(content)

    def begin(self, sheet: Sheet) -> None:
        """Begin a sheet with a head that stays in sight."""
        self._now, self._parts = sheet, 0
        self._open(sheet)

    def add(self, rows: Rows) -> bool:
        """Add lines; beyond what a sheet holds they go on in another."""
        assert self._now is not None  # noqa: S101 - `begin` comes first
        if self._rows + len(rows) > _MOST_ROWS:
            self._open(self._now)
        kinds = [column.kind for column in self._now.columns]
        for row in rows:
            places = zip(row, kinds, self._cells, strict=True)
            self._sheet.append([self._fill(cell, value, kind) for value, kind, cell in places])
        self._rows += len(rows)
        return True

    def finish(self) -> None:
        """Put the sheets together."""
        self._book.save(self._path)

    def close(self) -> None:
        """Give up what is not finished; the library deletes its pieces when it ends."""
        self._book.close()

    def _open(self, sheet: Sheet) -> None:
        self._parts += 1
        self._rows = 0
        name = sheet.title.say(self._language).translate(_BLANKS)[:28]
        self._sheet = self._book.create_sheet(name if self._parts == 1 else f"{name} {self._parts}")
        self._sheet.freeze_panes = "A2"
        self._set_widths([column.width for column in sheet.columns])
        self._cells = [self._styled(column.kind) for column in sheet.columns]
        self._add_head(sheet.columns)

    def _fill(self, cell: Any, value: Cell, kind: Kind) -> object:
        """Put a value into the cell of its column: a line is written at once, so that its cells serve for the next."""
        if value is None or value == "" or isinstance(value, str):
            return self._cell(value, kind)
        cell.value = _to_excel(value, kind)
        return cell

    def _add_head(self, columns: "list[Column] | Any") -> None:
        cells = []
        for column in columns:
            title = column.title.say(self._language)
            if column.kind is Kind.SECONDS:
                title += ", с" if self._language == "ru" else ", s"
            cells.append(self._head(title))
        self._sheet.append(cells)

    def _head(self, title: str) -> WriteOnlyCell:
        cell = WriteOnlyCell(self._sheet, title)
        cell.font, cell.fill = _HEAD_FONT, _HEAD
        cell.alignment = Alignment(vertical="center", wrap_text=True)
        return cell

    def _set_widths(self, widths: list[int]) -> None:
        for number, width in enumerate(widths, 1):
            self._sheet.column_dimensions[get_column_letter(number)].width = width

    def _cell(self, value: Cell, kind: Kind) -> object:
        if value is None or value == "":
            return None
        if isinstance(value, str):
            return self._text(value)
        cell = self._styled(kind)
        cell.value = _to_excel(value, kind)
        return cell

    def _styled(self, kind: Kind) -> Any:
        cell = WriteOnlyCell(self._sheet)
        cell.number_format = _FORMATS.get(kind, "General")
        return cell

    def _text(self, value: str) -> object:
        text = ILLEGAL_CHARACTERS_RE.sub("", value)[:_LONGEST]
        if not text.startswith("="):
            return text
        # The library would take it for a formula; so would Excel.
        cell = WriteOnlyCell(self._sheet)
        cell._value, cell.data_type = text, "s"
        return cell

    def _add_figures(self, content: Content) -> None:
        self._sheet = self._book.create_sheet(FIGURES.say(self._language)[:31])
        self._set_widths([30, 18, *[14] * 8])
        self._sheet.append([self._head(content.title.say(self._language)), self._head("")])
        for tile in content.tiles:
            title = tile.title.say(self._language)
            if tile.kind is Kind.SECONDS:
                title += ", с" if self._language == "ru" else ", s"
            self._sheet.append([title, self._cell(tile.value, tile.kind)])
        place = len(content.tiles) + 4
        for _ in range(2):
            self._sheet.append([])
        drawn = [chart for chart in content.charts if not chart.is_empty]
        for number, chart in enumerate(drawn):
            first, last = self._add_data(chart, place)
            place = last + 3
            self._draw(chart, (first, last), number)

    def _add_data(self, chart: Chart, place: int) -> tuple[int, int]:
        """Write the numbers of a chart under what is there; return their first and last row."""
        head = [chart.title.say(self._language), *(line.title.say(self._language) for line in chart.lines)]
        self._sheet.append([self._head(title) for title in head])
        for number, label in enumerate(chart.labels):
            values = [line.values[number] for line in chart.lines]
            self._sheet.append([self._text(label), *(self._cell(value, chart.unit) for value in values)])
        for _ in range(2):
            self._sheet.append([])
        return place, place + len(chart.labels)

    def _draw(self, chart: Chart, rows: tuple[int, int], number: int) -> None:
        first, last = rows
        drawn = LineChart() if chart.kind is ChartKind.LINES else BarChart()
        drawn.title = chart.title.say(self._language)
        drawn.height, drawn.width = 8, 18
        if chart.kind is ChartKind.RANKS:
            drawn.type = "bar"
            drawn.y_axis.delete = False
        drawn.x_axis.delete = drawn.y_axis.delete = False
        if len(chart.lines) == 1:
            drawn.legend = None
        drawn.add_data(
            Reference(self._sheet, min_col=2, max_col=1 + len(chart.lines), min_row=first, max_row=last),
            titles_from_data=True,
        )
        drawn.set_categories(Reference(self._sheet, min_col=1, min_row=first + 1, max_row=last))
        self._sheet.add_chart(drawn, f"{'E' if number % 2 == 0 else 'P'}{1 + number // 2 * 17}")


def _to_excel(value: float | datetime, kind: Kind) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None)  # Excel knows no time zones
    return value / 1000 if kind is Kind.SECONDS else value
