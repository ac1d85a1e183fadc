"""Charts as SVG of our own: no script, no font or picture from elsewhere, colours by the page's light or dark.

Every mark carries its value as a `<title>`, which browsers show under the pointer and screen readers read.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

from beseda.features.reports.content import CellKind, Chart, ChartKind, ChartLine
from beseda.features.reports.writing import write_number, write_short_day, write_value

_WIDTH, _HEIGHT = 640, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 16, 12, 26
_GRID_LINES = 4
_LABELS = 7
_RANK_HEIGHT, _RANK_RIGHT = 26, 84
_LETTER = 7.4  # how wide a letter of a name is
_LONGEST_NAME = 30


@dataclass(frozen=True, slots=True)
class Scale:
    """The value axis: from 0 to `top`, a line at every `step`."""

    top: float
    step: float

    @classmethod
    def of(cls, most: float) -> "Scale":
        """Return a scale of round numbers that `most` fits under."""
        if most < sys.float_info.min:  # smaller numbers lose their digits, and a part of one may be 0
            return cls(1.0, 1.0)
        raw = most / _GRID_LINES
        power = 10.0 ** floor(log10(raw))
        step = next(size * power for size in (1, 2, 2.5, 5, 10) if size * power >= raw * 0.999)
        return cls(step * ceil(most / step - 1e-9), step)

    def lines(self) -> Iterator[float]:
        """Yield the values of the grid lines."""
        for number in range(round(self.top / self.step) + 1):
            yield number * self.step

    def place(self, value: float) -> float:
        """Return how high a value stands, from the top of the picture."""
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - value / self.top)


def draw_chart(chart: Chart, language: str) -> str:
    """Return a chart as an `<svg>`."""
    if chart.kind is ChartKind.RANKS:
        return _draw_ranks(chart, language)
    values = [value or 0 for line in chart.lines for value in line.values]
    scale = Scale.of(max(values, default=0))
    draw = _draw_bars if chart.kind is ChartKind.BARS else _draw_lines
    parts = [*_draw_grid(chart, scale, language), *_draw_dates(chart, language), *draw(chart, scale, language)]
    return _frame(chart, _HEIGHT, parts, language)


def _frame(chart: Chart, height: int, parts: Sequence[str], language: str) -> str:
    name = escape(chart.title.say(language))
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{name}" '
        f'xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )


def _draw_grid(chart: Chart, scale: Scale, language: str) -> Iterator[str]:
    for value in scale.lines():
        y = scale.place(value)
        kind = "axis" if value == 0 else "grid"
        yield f'<line class="{kind}" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        text = escape(_write_tick(value, chart.unit, scale.step, language))
        yield f'<text class="tick" x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{text}</text>'


def _write_tick(value: float, unit: CellKind, step: float, language: str) -> str:
    if unit is CellKind.SECONDS:
        value, step = value / 1000, step / 1000
    suffix = ""
    for limit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if step >= limit / 2 and value:
            value, step, suffix = value / limit, step / limit, letter
            break
    places = max(0, -floor(log10(step) + 1e-9)) + (1 if f"{step:.3g}".startswith("2.5") or "0.25" in f"{step:g}" else 0)
    if step == int(step):
        places = 0
    text = write_number(value, min(places, 4), language)
    return f"${text}{suffix}" if unit is CellKind.MONEY else text + suffix


def _draw_dates(chart: Chart, language: str) -> Iterator[str]:
    count = len(chart.labels)
    every = max(1, ceil(count / _LABELS))
    for number in range(0, count, every):
        x = _middle(number, count)
        text = write_short_day(chart.labels[number], language)
        yield f'<text class="tick" x="{x:.1f}" y="{_HEIGHT - 8}" text-anchor="middle">{escape(text)}</text>'


def _middle(number: int, count: int) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (number + 0.5) / max(1, count)


def _name(chart: Chart, line: ChartLine, number: int, language: str) -> str:
    said = write_value(line.values[number], chart.unit, language)
    name = f"{line.title.say(language)}: " if len(chart.lines) > 1 else ""
    return escape(f"{chart.labels[number]} · {name}{said}")


def _draw_bars(chart: Chart, scale: Scale, language: str) -> Iterator[str]:
    count, lines = len(chart.labels), len(chart.lines)
    room = (_WIDTH - _LEFT - _RIGHT) / max(1, count)
    width = max(1.0, min(26.0, room * 0.72 / lines))
    for place, line in enumerate(chart.lines):
        for number, value in enumerate(line.values):
            if not value:
                continue
            x = _middle(number, count) + (place - lines / 2) * width
            yield _bar((x, scale.place(value), width * 0.94), place, _name(chart, line, number, language))


def _bar(box: tuple[float, float, float], place: int, name: str) -> str:
    """Return a bar that stands on the axis, its upper corners round."""
    x, y, width = box
    floor_y = _HEIGHT - _BOTTOM
    r = min(3.0, width / 2, max(0.0, floor_y - y))
    path = (
        f"M{x:.1f} {floor_y}V{y + r:.1f}Q{x:.1f} {y:.1f} {x + r:.1f} {y:.1f}H{x + width - r:.1f}"
        f"Q{x + width:.1f} {y:.1f} {x + width:.1f} {y + r:.1f}V{floor_y}Z"
    )
    return f'<path class="c{place}" d="{path}"><title>{name}</title></path>'


def _draw_lines(chart: Chart, scale: Scale, language: str) -> Iterator[str]:
    count = len(chart.labels)
    for place, line in reversed(list(enumerate(chart.lines))):
        for run in _runs(line.values):
            spots = [(_middle(number, count), scale.place(value)) for number, value in run]
            path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in spots)
            if len(chart.lines) == 1:
                floor_y = _HEIGHT - _BOTTOM
                yield f'<path class="area" d="{path}L{spots[-1][0]:.1f} {floor_y}L{spots[0][0]:.1f} {floor_y}Z"/>'
            yield f'<path class="line s{place}" d="{path}"/>'
            for (number, _), (x, y) in zip(run, spots, strict=True):
                radius = 2.6 if count <= 45 or len(run) == 1 else 1.4
                title = _name(chart, line, number, language)
                yield f'<circle class="c{place}" cx="{x:.1f}" cy="{y:.1f}" r="{radius}"><title>{title}</title></circle>'


def _runs(values: Sequence[float | None]) -> Iterator[list[tuple[int, float]]]:
    """Yield stretches without gaps."""
    run: list[tuple[int, float]] = []
    for number, value in enumerate(values):
        if value is not None:
            run.append((number, value))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _draw_ranks(chart: Chart, language: str) -> str:
    [line] = chart.lines
    values = [value or 0 for value in line.values]
    most = max(values, default=0) or 1
    total = sum(values) or 1
    share: Callable[[float], str] = lambda value: write_value(100 * value / total, CellKind.PERCENT, language)  # noqa: E731
    left = 24 + _LETTER * max((min(len(label), _LONGEST_NAME) for label in chart.labels), default=0)
    parts = []
    for number, (label, value) in enumerate(zip(chart.labels, values, strict=True)):
        y = number * _RANK_HEIGHT + 6
        width = max(2.0, (_WIDTH - left - _RANK_RIGHT) * value / most)
        short = label if len(label) <= _LONGEST_NAME else label[: _LONGEST_NAME - 1] + "…"
        said = escape(write_value(value, chart.unit, language))
        title = escape(f"{label}: {write_value(value, chart.unit, language)} · {share(value)}")
        parts.append(
            f'<text class="name" x="{left - 12:.0f}" y="{y + 13}" text-anchor="end">{escape(short)}'
            f"<title>{escape(label)}</title></text>"
            f'<rect class="c0" x="{left:.0f}" y="{y}" width="{width:.1f}" height="18" rx="4"><title>{title}</title>'
            f'</rect><text class="value" x="{left + width + 8:.1f}" y="{y + 13}">{said}</text>'
        )
    return _frame(chart, len(chart.labels) * _RANK_HEIGHT + 8, parts, language)
