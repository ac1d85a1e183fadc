"""Figures beside their references, and the bars they must keep under."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

_HEADS = ("figure", "Beseda", "reference", "ratio", "bar", "")


@dataclass(frozen=True, slots=True)
class Bar:
    """What a figure may be at most: a number, or a share of its reference, or so much above its reference."""

    most: float | None = None
    ratio: float | None = None
    above: float | None = None

    def allows(self, value: float, reference: float | None) -> bool:
        """Return whether a figure keeps under the bar."""
        if self.most is not None and value > self.most:
            return False
        if reference is None:
            return self.ratio is None and self.above is None
        if self.ratio is not None and value > self.ratio * reference:
            return False
        return self.above is None or value <= reference + self.above

    def __str__(self) -> str:
        parts = []
        if self.most is not None:
            parts.append(f"≤ {self.most:g}")
        if self.ratio is not None:
            parts.append(f"≤ {self.ratio:g} ×")
        if self.above is not None:
            parts.append(f"≤ ref + {self.above:g}")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of Beseda's, smaller or larger being better as its bar says."""

    name: str
    unit: str
    value: float
    reference: float | None = None
    bar: Bar | None = None

    @property
    def is_kept(self) -> bool:
        """Whether the bar is kept; a row without one always is."""
        return self.bar is None or self.bar.allows(self.value, self.reference)


@dataclass(frozen=True, slots=True)
class Section:
    """Rows that were measured together. `note` says how."""

    title: str
    note: str
    rows: Sequence[Row]


def format_section(section: Section) -> str:
    """Return a section as a table for a terminal."""
    table = [_HEADS, *(_cells(row) for row in section.rows)]
    widths = [max(len(line[column]) for line in table) for column in range(len(_HEADS))]
    lines = [
        "  ".join(
            cell.ljust(width) if column in (0, 4) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in table
    ]
    return "\n".join([f"{section.title} ({section.note})", *(f"  {line}" for line in lines)])


def to_plain(section: Section) -> dict[str, object]:
    """Return a section as plain data for JSON."""
    return {
        "title": section.title,
        "note": section.note,
        "rows": [{**asdict(row), "bar": str(row.bar or ""), "ok": row.is_kept} for row in section.rows],
    }


def _cells(row: Row) -> tuple[str, ...]:
    return (
        f"{row.name}, {row.unit}" if row.unit else row.name,
        _number(row.value),
        _number(row.reference) if row.reference is not None else "",
        f"{row.value / row.reference:.2f}" if row.reference else "",
        str(row.bar or ""),
        "" if row.bar is None else "ok" if row.is_kept else "FAIL",
    )


def _number(value: float) -> str:
    if value == int(value) and abs(value) < 1e6:
        return f"{int(value):,}"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}" if value < 100 else f"{value:.0f}"
