"""The picture of the packages shows today's packages and imports, and its page names each of them."""

import re

from scripts.draw_layout import PICTURE, Arrows, Layout, draw, read_layout, read_picture
from scripts.source import ROOT


def _describe(layout: Layout) -> tuple[dict[str, tuple[str, ...]], Arrows]:
    return {name: tuple(layout.inside.get(name, ())) for row in layout.rows for name in row}, layout.arrows


def test_picture_of_the_layout_is_current() -> None:
    assert read_picture(PICTURE.read_text("utf-8")) == _describe(read_layout()), "run 'make docs'"


def test_every_arrow_of_the_picture_leads_downwards() -> None:
    ends = re.findall(r'd="M[\d.]+ ([\d.]+)C.*? ([\d.]+)" marker', PICTURE.read_text("utf-8"))
    assert len(ends) == len(read_layout().arrows)
    assert [pair for pair in ends if float(pair[0]) >= float(pair[1])] == []


def test_picture_shows_the_layout_that_is_drawn() -> None:
    rows = (("cli",), ("features",), ("db", "llm"))
    layout = Layout(rows, frozenset({("cli", "features")}), {"features": ("leads · sales", "sales → leads")})
    assert read_picture(draw(layout)) == _describe(layout)


def test_page_of_the_layout_names_every_package() -> None:
    page = (ROOT / "docs/layout.md").read_text("utf-8")
    assert f"](images/{PICTURE.name})" in page
    assert [name for row in read_layout().rows for name in row if f"`{name}`" not in page] == []
