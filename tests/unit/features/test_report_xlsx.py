"""Workbooks of reports, read back by another library."""

import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from beseda.features.reports import xlsx_file
from beseda.features.reports.content import (
    CellKind,
    Chart,
    ChartKind,
    ChartLine,
    Column,
    ReportContent,
    Rows,
    Sheet,
    Tile,
)
from beseda.features.reports.xlsx_file import XlsxWriter
from beseda.locales import Text

NAMES = Text(ru="Имена", en="Names")
MOMENT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
TILES = [Tile(NAMES, 1500, CellKind.SECONDS), Tile(NAMES, None)]
CHARTS = [
    Chart(NAMES, ChartKind.BARS, ["2026-01-01", "2026-01-02"], [ChartLine(NAMES, [1, 2])]),
    Chart(NAMES, ChartKind.LINES, ["a", "b"], [ChartLine(NAMES, [1, None]), ChartLine(NAMES, [3, 4])]),
    Chart(NAMES, ChartKind.RANKS, ["=u", "v"], [ChartLine(NAMES, [1, 2])], CellKind.MONEY),
    Chart(NAMES, ChartKind.BARS, ["nothing"], [ChartLine(NAMES, [0])]),
]


async def no_rows() -> AsyncIterator[Rows]:
    yield []


SHEET = Sheet(NAMES, [Column(NAMES), Column(NAMES, CellKind.MOMENT), Column(NAMES, CellKind.SECONDS)], no_rows)


def open_writer(path: Path, charts: list[Chart] = CHARTS) -> XlsxWriter:
    return XlsxWriter(path, ReportContent(NAMES, TILES, charts, [SHEET]), "en")


def write_sheets(path: Path, rows: Rows) -> list[Worksheet]:
    writer = open_writer(path)
    writer.begin(SHEET)
    assert writer.add(rows)
    writer.finish()
    writer.close()
    return list(openpyxl.load_workbook(path).worksheets)


def test_cells_have_types_and_formats(tmp_path: Path) -> None:
    figures, names = write_sheets(tmp_path / "a.xlsx", [["Анна", MOMENT, 1500], ["", None, None]])
    assert [cell.value for cell in next(names.iter_rows())] == ["Names", "Names", "Names, s"]
    text, moment, seconds = next(names.iter_rows(min_row=2))
    assert (text.value, moment.value, seconds.value) == ("Анна", MOMENT.replace(tzinfo=None), 1.5)
    assert (moment.number_format, seconds.number_format) == ("yyyy-mm-dd hh:mm", "0.0")
    assert [cell.value for cell in figures[2]][:2] == ["Names, s", 1.5]
    assert names.freeze_panes == "A2"


@pytest.mark.parametrize("text", ["=1+1", "https://example.org", "mailto:a@b.ru", "123", "{=SUM(A1)}", " =1\n2 "])
def test_text_stays_text(tmp_path: Path, text: str) -> None:
    _, names = write_sheets(tmp_path / "a.xlsx", [[text, None, None]])
    cell = names["A2"]
    assert (cell.value, cell.data_type, cell.hyperlink) == (text, "s", None)


def test_text_is_cut_at_the_limit_of_a_cell_and_holds_no_control_characters(tmp_path: Path) -> None:
    _, names = write_sheets(tmp_path / "a.xlsx", [["a\x00\x1f\ud800\ufffeb", None, None], ["x" * 40_000, None, None]])
    assert names["A2"].value == "ab"
    assert len(str(names["A3"].value)) == 32_767


def test_charts_are_drawn_from_the_cells(tmp_path: Path) -> None:
    figures, _ = write_sheets(tmp_path / "a.xlsx", [])
    bars, lines, ranks = figures._charts
    assert [type(chart).__name__ for chart in (bars, lines, ranks)] == ["BarChart", "LineChart", "BarChart"]
    assert (bars.type, ranks.type) == ("col", "bar")
    assert (bars.legend, lines.legend is not None, ranks.legend) == (None, True, None)
    assert [(series.val.numRef.f, series.cat.numRef.f, series.tx.strRef.f) for series in lines.series] == [
        ("Figures!$B$12:$B$13", "Figures!$A$12:$A$13", "Figures!$B$11"),
        ("Figures!$C$12:$C$13", "Figures!$A$12:$A$13", "Figures!$C$11"),
    ]
    assert [figures.cell(row, 1).value for row in (11, 12, 13)] == ["Names", "a", "b"]
    assert [(chart.anchor._from.col, chart.anchor._from.row) for chart in (bars, lines, ranks)] == [
        (4, 0),
        (15, 0),
        (4, 17),
    ]


def test_long_list_goes_on_in_another_sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_file, "_MOST_ROWS", 4)
    writer = open_writer(tmp_path / "a.xlsx")
    writer.begin(SHEET)
    for name in ("a", "b", "c"):
        writer.add([[name, None, None]] * 2)
    writer.finish()
    writer.close()
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert book.sheetnames == ["Figures", "Names", "Names 2", "Names 3"]
    assert [sheet.max_row for sheet in book.worksheets[1:]] == [3, 3, 3]


def test_unfinished_report_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    writer = open_writer(tmp_path / "a.xlsx")
    writer.begin(SHEET)
    writer.add([["Анна", MOMENT, 1500]] * 1000)
    writer.close()
    assert list(tmp_path.iterdir()) == []
