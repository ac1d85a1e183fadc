"""A report as one HTML file: no script, nothing loaded from anywhere, light and dark, made to be printed as well."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path

from beseda.features.analytics.model import Period
from beseda.features.reports.content import Cell, CellKind, Chart, Column, ReportContent, Rows, Sheet, Tile
from beseda.features.reports.style import STYLE
from beseda.features.reports.svg import draw_chart
from beseda.features.reports.texts import BOTS, CONVERSION_NOTE, EMPTY, MADE, NOTHING, REST, SECONDS
from beseda.features.reports.writing import write_day, write_moment, write_value
from beseda.locales import known_language

# A browser shows a few thousand rows well, and nobody reads more: the whole list is in the other formats.
MOST_ROWS = 1000
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


@dataclass(frozen=True, slots=True)
class Heading:
    """The heading of a report."""

    period: Period
    made_at: datetime


class HtmlWriter:
    """Writes figures, charts and the beginning of every list."""

    def __init__(self, path: Path, content: ReportContent, language: str, heading: Heading) -> None:
        self._file = path.open("w", encoding="utf-8", newline="\n")
        self._language = language
        self._columns: Sequence[Column] = ()
        self._rows: int | None = None
        self._cut = False
        self._file.writelines(_write_top(content, language, heading))

    def begin(self, sheet: Sheet) -> None:
        """Begin a table."""
        self._end_table()
        self._columns, self._rows, self._cut = sheet.columns, 0, False
        heads = "".join(
            f'<th scope="col"{_side(column)}>{escape(column.title.say(self._language))}</th>'
            for column in sheet.columns
        )
        title = escape(sheet.title.say(self._language))
        self._file.write(f'<section class="list"><h2>{title}</h2><div class="scroll"><table><thead><tr>{heads}')
        self._file.write("</tr></thead><tbody>\n")

    def add(self, rows: Rows) -> bool:
        """Add lines; False once the table is as long as it may be."""
        done = self._rows or 0
        self._file.writelines(self._write_row(row) for row in rows[: MOST_ROWS - done])
        self._rows = min(done + len(rows), MOST_ROWS)
        self._cut = done + len(rows) > MOST_ROWS
        return not self._cut

    def finish(self) -> None:
        """End the page."""
        self._end_table()
        self._file.write("</main></body></html>\n")
        self.close()

    def close(self) -> None:
        """Close the file, whatever is in it."""
        self._file.close()

    def _end_table(self) -> None:
        if self._rows is None:
            return
        self._file.write("</tbody></table></div>")
        if self._cut:
            self._file.write(f'<p class="note">{escape(REST.say(self._language, shown=MOST_ROWS))}</p>')
        elif not self._rows:
            self._file.write(f'<p class="note">{escape(EMPTY.say(self._language))}</p>')
        self._file.write("</section>\n")
        self._rows = None

    def _write_row(self, row: Sequence[Cell]) -> str:
        cells = zip(row, self._columns, strict=True)
        return "<tr>" + "".join(self._write_cell(cell, column) for cell, column in cells) + "</tr>\n"

    def _write_cell(self, cell: Cell, column: Column) -> str:
        said = write_value(cell, column.kind, self._language)
        return f"<td{_side(column)}>{escape(said)}</td>"


def _side(column: Column) -> str:
    if column.kind.is_number:
        return ' class="num"'
    return ' class="when"' if column.kind in {CellKind.DAY, CellKind.MOMENT} else ""


def _write_top(content: ReportContent, language: str, heading: Heading) -> Iterator[str]:
    title = escape(content.title.say(language))
    period = heading.period
    dates = f"{write_day(period.since, language)} — {write_day(period.until, language)}"
    bot = escape(period.bot or BOTS.say(language))
    made = escape(MADE.say(language, at=write_moment(heading.made_at, language)))
    yield (
        f'<!doctype html>\n<html lang="{known_language(language)}"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" '
        f'content="light dark"><title>{title} · {dates}</title><style>{STYLE}</style></head><body><main>\n'
        f'<header><p class="brand">Beseda</p><h1>{title}</h1><p class="about"><b>{dates}</b> · {bot}</p>'
        f'<p class="made">{made}</p></header>\n'
    )
    yield '<section class="tiles">' + "".join(_write_tile(tile, language) for tile in content.tiles) + "</section>\n"
    if any(tile.kind is CellKind.PERCENT for tile in content.tiles):
        yield f'<p class="note">{escape(CONVERSION_NOTE.say(language))}</p>\n'
    drawn = [chart for chart in content.charts if not chart.is_empty]
    if drawn:
        yield '<section class="charts">' + "".join(_write_chart(chart, language) for chart in drawn) + "</section>\n"
    else:
        yield f'<p class="note">{escape(NOTHING.say(language))}</p>\n'


def _write_tile(tile: Tile, language: str) -> str:
    value = escape(write_value(tile.value, tile.kind, language))
    return f'<div class="tile"><b>{value}</b><span>{escape(tile.title.say(language))}</span></div>'


def _write_chart(chart: Chart, language: str) -> str:
    keys = ""
    if len(chart.lines) > 1:
        keys = "".join(
            f'<li><i class="k{number}"></i>{escape(line.title.say(language))}</li>'
            for number, line in enumerate(chart.lines)
        )
        keys = f'<ul class="keys">{keys}</ul>'
    unit = ""
    if chart.unit is CellKind.SECONDS:
        unit = f" <small>{escape(SECONDS.say(language))}</small>"
    title = escape(chart.title.say(language)) + unit
    return f"<figure><figcaption><h2>{title}</h2>{keys}</figcaption>{draw_chart(chart, language)}</figure>"
