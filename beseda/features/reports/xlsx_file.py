"""A report as XLSX: key figures with charts, then the lists, written row by row to keep memory constant."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import xlsxwriter

from beseda.features.reports.content import Cell, CellKind, Chart, ChartKind, Column, ReportContent, Rows, Sheet
from beseda.features.reports.texts import FIGURES, SECONDS

_FORMATS = {
    CellKind.NUMBER: "0",
    CellKind.COUNT: "#,##0",
    CellKind.MONEY: "$#,##0.00##",
    CellKind.PERCENT: '0.0"%"',
    CellKind.SECONDS: "0.0",
    CellKind.DAY: "yyyy-mm-dd",
    CellKind.MOMENT: "yyyy-mm-dd hh:mm",
}
_HEAD = {"bold": True, "font_color": "#FFFFFF", "bg_color": "#1F3A5F", "valign": "vcenter", "text_wrap": True}
_CHARTS = {ChartKind.LINES: "line", ChartKind.BARS: "column", ChartKind.RANKS: "bar"}
_CHART_SIZE = {"width": 680, "height": 302}  # pixels, 18 by 8 cm
_LONGEST = 32_767  # characters of a cell: Excel's own limit
_MOST_ROWS = 1_048_000  # of a sheet, a little under Excel's 1,048,576
_BLANKS = str.maketrans(dict.fromkeys("[]:*?/\\", " "))
_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # XML 1.0, section 2.2


class XlsxWriter:
    """Writes all sheets."""

    def __init__(self, path: Path, content: ReportContent, language: str) -> None:
        self._language = language
        # Rows wait in a file of their sheet, in a folder that goes away with a report that is not finished.
        self._pieces = TemporaryDirectory(prefix="beseda-report-")
        self._book = xlsxwriter.Workbook(path, {"constant_memory": True, "tmpdir": self._pieces.name})
        self._head = self._book.add_format(_HEAD)
        self._formats = {kind: self._book.add_format({"num_format": code}) for kind, code in _FORMATS.items()}
        self._sheet: Any = None
        self._row = 0
        self._now: Sheet | None = None
        self._parts = 0
        self._add_figures(content)

    def begin(self, sheet: Sheet) -> None:
        """Begin a sheet with a head that stays in sight."""
        self._now, self._parts = sheet, 0
        self._open(sheet)

    def add(self, rows: Rows) -> bool:
        """Add rows. Rows beyond the limit of a sheet continue on another sheet."""
        assert self._now is not None  # noqa: S101 - `begin` comes first
        if self._row + len(rows) > _MOST_ROWS:
            self._open(self._now)
        kinds = [column.kind for column in self._now.columns]
        for row in rows:
            self._append(row, kinds)
        return True

    def finish(self) -> None:
        """Put the sheets together."""
        self._book.close()

    def close(self) -> None:
        """Delete the pieces of the sheets, of a report that was not finished as well."""
        for sheet in self._book.worksheets():
            sheet.row_data_fh.close()
        self._pieces.cleanup()

    def _open(self, sheet: Sheet) -> None:
        self._parts += 1
        name = sheet.title.say(self._language).translate(_BLANKS)[:28]
        self._add_sheet(name if self._parts == 1 else f"{name} {self._parts}")
        self._sheet.freeze_panes(1, 0)
        self._set_widths([column.width for column in sheet.columns])
        self._append_head([self._write_title(column) for column in sheet.columns])

    def _add_sheet(self, name: str) -> None:
        self._sheet, self._row = self._book.add_worksheet(name), 0

    def _set_widths(self, widths: Sequence[int]) -> None:
        for number, width in enumerate(widths):
            self._sheet.set_column(number, number, width)

    def _append(self, row: Sequence[Cell], kinds: Sequence[CellKind]) -> None:
        for number, (value, kind) in enumerate(zip(row, kinds, strict=True)):
            if value is None or value == "":
                continue
            if isinstance(value, str):
                # As a string by name: `write` would make a formula of "=1+1" and a link of an address.
                self._sheet.write_string(self._row, number, _ILLEGAL.sub("", value)[:_LONGEST])
            elif isinstance(value, datetime):
                moment = value.astimezone(UTC).replace(tzinfo=None)  # Excel knows no time zones
                self._sheet.write_datetime(self._row, number, moment, self._formats.get(kind))
            else:
                amount = value / 1000 if kind is CellKind.SECONDS else value
                self._sheet.write_number(self._row, number, amount, self._formats.get(kind))
        self._row += 1

    def _append_head(self, titles: Sequence[str]) -> None:
        for number, title in enumerate(titles):
            self._sheet.write_string(self._row, number, title, self._head)
        self._row += 1

    def _write_title(self, titled: Column | Any) -> str:
        title: str = titled.title.say(self._language)
        if titled.kind is CellKind.SECONDS:
            title += f", {SECONDS.say(self._language)}"
        return title

    def _add_figures(self, content: ReportContent) -> None:
        self._add_sheet(FIGURES.say(self._language)[:31])
        self._set_widths([30, 18, *[14] * 8])
        self._append_head([content.title.say(self._language), ""])
        for tile in content.tiles:
            self._append([self._write_title(tile), tile.value], [CellKind.TEXT, tile.kind])
        drawn = [chart for chart in content.charts if not chart.is_empty]
        for number, chart in enumerate(drawn):
            self._row += 2
            self._add_chart(chart, number)

    def _add_chart(self, chart: Chart, number: int) -> None:
        """Write the numbers of a chart below the rows so far, and draw it beside them."""
        first, last = self._row, self._row + len(chart.labels)
        self._append_head([text.say(self._language) for text in (chart.title, *(line.title for line in chart.lines))])
        for place, label in enumerate(chart.labels):
            values = [line.values[place] for line in chart.lines]
            self._append([label, *values], [CellKind.TEXT, *[chart.unit] * len(values)])
        drawn = self._book.add_chart({"type": _CHARTS[chart.kind]})
        drawn.set_title({"name": chart.title.say(self._language)})
        drawn.set_size(_CHART_SIZE)
        if len(chart.lines) == 1:
            drawn.set_legend({"none": True})
        name = self._sheet.get_name()
        for column in range(1, 1 + len(chart.lines)):
            series = {
                "name": [name, first, column],
                "categories": [name, first + 1, 0, last, 0],
                "values": [name, first + 1, column, last, column],
            }
            drawn.add_series(series)
        self._sheet.insert_chart(number // 2 * 17, 4 if number % 2 == 0 else 15, drawn)
