"""A report as CSV (RFC 4180): the list alone, in UTF-8 with the mark by which Excel knows it."""

import csv
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from beseda.features.reports.content import Cell, CellKind, ReportContent, Rows, Sheet
from beseda.features.reports.writing import defuse


class ReportWriter(Protocol):
    """Puts a report into a file piece by piece. Called from one thread at a time, not always the same."""

    def begin(self, sheet: Sheet) -> None:
        """Begin a list."""
        ...

    def add(self, rows: Rows) -> bool:
        """Add lines to the list; False: no more of them are wanted."""
        ...

    def finish(self) -> None:
        """Write the remaining content and close the file."""
        ...

    def close(self) -> None:
        """Close the file, whatever is in it."""
        ...


class CsvWriter:
    """Writes the first sheet."""

    def __init__(self, path: Path, _content: ReportContent, language: str) -> None:
        self._file = path.open("w", encoding="utf-8-sig", newline="")
        self._rows = csv.writer(self._file)
        self._language = language
        self._kinds: list[CellKind] = []

    def begin(self, sheet: Sheet) -> None:
        """Write the head of the list."""
        self._kinds = [column.kind for column in sheet.columns]
        self._rows.writerow([column.title.say(self._language) for column in sheet.columns])

    def add(self, rows: Rows) -> bool:
        """Add lines; numbers and times as programs read them."""
        self._rows.writerows(
            [[_write(cell, kind) for cell, kind in zip(row, self._kinds, strict=True)] for row in rows]
        )
        return True

    def finish(self) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file, whatever is in it."""
        self._file.close()


def _write(cell: Cell, kind: CellKind) -> str | int | float:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return defuse(cell.replace("\0", ""))
    if isinstance(cell, datetime):
        moment = cell.astimezone(UTC)
        return f"{moment:%Y-%m-%d}" if kind is CellKind.DAY else f"{moment:%Y-%m-%d %H:%M:%S}"
    if kind is CellKind.SECONDS:
        return cell / 1000
    return round(cell, 6) if isinstance(cell, float) else cell
