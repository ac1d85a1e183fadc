"""Content of a report, independent of its file format: key figures, charts, and sheets with rows in pieces."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import TypeAlias

from beseda.locales import Text

Cell: TypeAlias = str | int | float | datetime | None
Rows: TypeAlias = Sequence[Sequence[Cell]]


class CellKind(Enum):
    """The type of the cells of a column."""

    TEXT = auto()
    NUMBER = auto()
    COUNT = auto()
    MONEY = auto()
    PERCENT = auto()
    SECONDS = auto()
    DAY = auto()
    MOMENT = auto()

    @property
    def is_number(self) -> bool:
        """Whether the cells stand on the right."""
        return self in {CellKind.NUMBER, CellKind.COUNT, CellKind.MONEY, CellKind.PERCENT, CellKind.SECONDS}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a sheet; `width` is in letters."""

    title: Text
    kind: CellKind = CellKind.TEXT
    width: int = 12


@dataclass(frozen=True, slots=True)
class Sheet:
    """A list. `rows` gives it anew with every call, in pieces."""

    title: Text
    columns: Sequence[Column]
    rows: Callable[[], AsyncIterator[Rows]]


@dataclass(frozen=True, slots=True)
class Tile:
    """A key figure."""

    title: Text
    value: Cell
    kind: CellKind = CellKind.COUNT


@dataclass(frozen=True, slots=True)
class ChartLine:
    """One set of values of a chart, as many as it has labels; None is a gap."""

    title: Text
    values: Sequence[float | None]


class ChartKind(Enum):
    """How a chart is drawn: bars beside each other in time, lines over time, bars below each other by name."""

    BARS = auto()
    LINES = auto()
    RANKS = auto()


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: `labels` are days, or names for ranks."""

    title: Text
    kind: ChartKind
    labels: Sequence[str]
    lines: Sequence[ChartLine]
    unit: CellKind = CellKind.COUNT

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(value for line in self.lines for value in line.values)


@dataclass(frozen=True, slots=True)
class ReportContent:
    """A complete report. A CSV file contains only the first sheet."""

    title: Text
    tiles: Sequence[Tile]
    charts: Sequence[Chart]
    sheets: Sequence[Sheet]
