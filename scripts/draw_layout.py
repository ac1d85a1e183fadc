"""Draw docs/images/layout.svg from the imports: the packages in the rows of the architecture tests, arrows downwards.

An arrow that follows from others is left out: where `cli` imports `app` and `app` imports `db`, no arrow leads from
`cli` to `db`. So are the exceptions of `tests/architecture/test_direction.py`, which lead upwards.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from scripts.source import ROOT, Module, Package
from tests.architecture.test_direction import ROWS, unit

PICTURE = ROOT / "docs/images/layout.svg"

_WIDTH, _MARGIN = 1000, 20
_BOX, _LINE, _GAP = 34, 18, 40  # heights of a box, of a line of text in it, and between rows
_LETTER = 7.6  # width of a letter of the name, at most
_OPEN = ("features", "engine")  # packages whose folders are shown inside their box
_STYLE = """
    text { font: 14px ui-monospace, SFMono-Regular, Menlo, monospace; fill: #1f2a33; text-anchor: middle }
    .small { font-size: 12px; fill: #4a5a66 }
    rect { fill: #e8f1ee; stroke: #0b7d6b; rx: 7px }
    path { fill: none; stroke: #7d8f9b; stroke-width: 1.2 }
    marker path { fill: #7d8f9b; stroke: none }
    @media (prefers-color-scheme: dark) {
        text { fill: #e4ebef } .small { fill: #a9b8c1 } rect { fill: #17332d; stroke: #3fae9a }
        path { stroke: #71838f } marker path { fill: #71838f }
    }
"""

Arrows = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Layout:
    """Packages in rows from the top, the arrows between them, and the lines inside of boxes."""

    rows: tuple[tuple[str, ...], ...]
    arrows: Arrows
    inside: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Box:
    """A package on the picture."""

    left: float
    top: float
    width: float
    height: float

    def port(self, number: int, ports: int) -> float:
        """Return the place of one of several arrows along the box."""
        return self.left + self.width * (number + 1) / (ports + 1)


def read_layout() -> Layout:
    """Read the packages and their imports."""
    package = Package()
    units = {unit(name) for name in package.modules} - {"", "__main__"}
    rows = [row for row in ([name for name in row if name in units] for row in ROWS) if row]
    depth = {name: number for number, row in enumerate(rows) for name in row}
    arrows = {(unit(module.name), unit(target)) for module, target, _ in package.arrows}
    arrows = {(here, there) for here, there in arrows if depth.get(here, len(rows)) < depth.get(there, 0)}
    inside = {name: tuple(_list_inside(package, name)) for name in _OPEN if name in units}
    return Layout(tuple(_order(rows, arrows)), _reduce(arrows), inside)


def _reduce(arrows: Iterable[tuple[str, str]]) -> Arrows:
    """Return the arrows that do not follow from others."""
    targets: dict[str, set[str]] = defaultdict(set)
    for here, there in arrows:
        targets[here].add(there)

    def reach(name: str) -> set[str]:
        below = targets.get(name, set())
        return below.union(*(reach(target) for target in below))

    return frozenset(
        (here, there)
        for here, below in targets.items()
        for there in below
        if not any(there in reach(other) for other in below - {there})
    )


def _order(rows: Sequence[Sequence[str]], arrows: Iterable[tuple[str, str]]) -> list[tuple[str, ...]]:
    """Return the rows with each package near the ones above that import it, which lets arrows cross less."""
    places: dict[str, float] = {}
    ordered = []
    for row in rows:
        for number, name in enumerate(row):
            above = [places[here] for here, there in arrows if there == name and here in places]
            places[name] = sum(above) / len(above) if above else (number + 1) / (len(row) + 1)
        names = tuple(sorted(row, key=lambda name: (places[name], name)))
        places |= {name: (number + 1) / (len(names) + 1) for number, name in enumerate(names)}
        ordered.append(names)
    return ordered


def _list_inside(package: Package, name: str) -> list[str]:
    """Return the folders of a package in lines; of features also which imports which."""
    prefix = f"beseda.{name}."
    folders = {module.path.parts[2] for module in package.modules.values() if _is_in_folder(module, prefix)}
    if name != "features":
        return _fill(sorted(folders), 9)
    pairs: dict[str, set[str]] = defaultdict(set)
    for module, target, _ in package.arrows:
        here, there = module.name.split(".")[2:3], target.split(".")[2:3]
        if module.name.startswith(prefix) and target.startswith(prefix) and here != there:
            pairs[here[0]].update(there)
    return _fill(sorted(folders), 9) + _fill(
        [f"{here} → {', '.join(sorted(pairs[here]))}" for here in sorted(pairs)], 4
    )


def _is_in_folder(module: Module, prefix: str) -> bool:
    return module.name.startswith(prefix) and len(module.path.parts) > 3


def _fill(words: Sequence[str], most: int) -> list[str]:
    return [" · ".join(words[start : start + most]) for start in range(0, len(words), most)]


def _place(layout: Layout) -> dict[str, Box]:
    boxes: dict[str, Box] = {}
    top = float(_MARGIN)
    for row in layout.rows:
        widths = {name: _measure(name, layout) for name in row}
        space = (_WIDTH - 2 * _MARGIN - sum(widths.values())) / len(row)
        height = _BOX + _LINE * max(len(layout.inside.get(name, ())) for name in row)
        left = _MARGIN + space / 2 + _shift(len(boxes), row, space)
        for name in row:
            boxes[name] = Box(left, top, widths[name], height)
            left += widths[name] + space
        top += height + _GAP
    return boxes


def _shift(number: int, row: Sequence[str], space: float) -> float:
    """Return how far a package that has a row to itself stands beside the middle, so that arrows pass by it."""
    return (0, -0.13, 0.13)[number % 3] * _WIDTH if len(row) == 1 and space > _WIDTH / 2 else 0


def _measure(name: str, layout: Layout) -> float:
    return max(len(line) for line in (name, *layout.inside.get(name, ()))) * _LETTER + 26


def draw(layout: Layout) -> str:
    """Return the picture."""
    boxes = _place(layout)
    parts = [_draw_arrow(here, there, layout.arrows, boxes) for here, there in sorted(layout.arrows)]
    parts += [_draw_box(name, box, layout) for name, box in boxes.items()]
    height = max(box.top + box.height for box in boxes.values()) + _MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:.0f}" role="img"'
        ' aria-label="The packages of Beseda in rows; imports go downwards">\n'
        f"<!-- Written by `make docs` from the imports. -->\n<style>{_STYLE}</style>\n"
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8z"/></marker></defs>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _draw_box(name: str, box: Box, layout: Layout) -> str:
    middle = box.left + box.width / 2
    lines = layout.inside.get(name, ())
    texts = [f'<text x="{middle:.1f}" y="{box.top + 22:.1f}">{escape(name)}</text>']
    texts += [
        f'<text class="small" x="{middle:.1f}" y="{box.top + 22 + _LINE * number:.1f}">{escape(line)}</text>'
        for number, line in enumerate(lines, 1)
    ]
    rect = f'<rect x="{box.left:.1f}" y="{box.top:.1f}" width="{box.width:.1f}" height="{box.height:.1f}"/>'
    return f'<g data-package="{escape(name)}">{rect}{"".join(texts)}</g>'


def _draw_arrow(here: str, there: str, arrows: Arrows, boxes: Mapping[str, Box]) -> str:
    source, target = boxes[here], boxes[there]
    out = sorted((boxes[end].left, end) for start, end in arrows if start == here)
    into = sorted((boxes[start].left, start) for start, end in arrows if end == there)
    x1 = source.port([name for _, name in out].index(there), len(out))
    x2 = target.port([name for _, name in into].index(here), len(into))
    y1, y2 = source.top + source.height, target.top
    bend = min((y2 - y1) / 2, 120)
    curve = f"M{x1:.1f} {y1:.1f}C{x1:.1f} {y1 + bend:.1f} {x2:.1f} {y2 - bend:.1f} {x2:.1f} {y2:.1f}"
    return f'<path data-from="{here}" data-to="{there}" d="{curve}" marker-end="url(#tip)"/>'


def read_picture(text: str) -> tuple[dict[str, tuple[str, ...]], Arrows]:
    """Return the packages with the lines inside their boxes, and the arrows that a picture shows."""
    boxes = re.findall(r'<g data-package="([^"]+)">(.*?)</g>', text)
    return (
        {name: tuple(re.findall(r'class="small"[^>]*>([^<]+)<', inside)) for name, inside in boxes},
        frozenset(re.findall(r'data-from="([^"]+)" data-to="([^"]+)"', text)),
    )


if __name__ == "__main__":
    PICTURE.write_text(draw(read_layout()), encoding="utf-8")
