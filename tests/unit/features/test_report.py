"""How a report says things, and draws them."""

import xml.etree.ElementTree as ET
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beseda.features.reports.content import Cell, CellKind, Chart, ChartKind, ChartLine
from beseda.features.reports.svg import Scale, draw_chart
from beseda.features.reports.writing import defuse, write_value
from beseda.locales import Text

MOMENT = datetime(2026, 11, 20, 9, 5, tzinfo=UTC)
TITLE = Text(ru="<Лиды>", en="<Leads>")


@pytest.mark.parametrize(
    ("value", "kind", "ru", "en"),
    [
        (1234567, CellKind.COUNT, "1\u202f234\u202f567", "1,234,567"),
        (1234567, CellKind.NUMBER, "1234567", "1234567"),
        (3.914, CellKind.MONEY, "$3,91", "$3.91"),
        (0.0004, CellKind.MONEY, "$0,0004", "$0.0004"),
        (12.5, CellKind.PERCENT, "12,5\u00a0%", "12.5%"),
        (1840, CellKind.SECONDS, "1,8\u00a0с", "1.8\u00a0s"),
        (MOMENT, CellKind.DAY, "20.11.2026", "2026-11-20"),
        (MOMENT, CellKind.MOMENT, "20.11.2026 09:05", "2026-11-20 09:05"),
        (None, CellKind.COUNT, "—", "—"),
        ("", CellKind.TEXT, "—", "—"),
    ],
)
def test_values_read_as_people_write_them(value: Cell, kind: CellKind, ru: str, en: str) -> None:
    assert (write_value(value, kind, "ru"), write_value(value, kind, "en")) == (ru, en)


@pytest.mark.parametrize("text", ["=1+1", "+7916", "-2", "@SUM(A1)", "\t=1", "\r=1", " =1", "\ufeff=1"])
def test_formula_is_text(text: str) -> None:
    assert defuse(text) == f"'{text}"


@pytest.mark.parametrize("text", ["Анна", "a=b", "", "1-2", "'=1"])
def test_text_stays_as_it_is(text: str) -> None:
    assert defuse(text) == text


@given(st.floats(0.0001, 1e12))
def test_scale_has_round_steps_above_the_highest(most: float) -> None:
    scale = Scale.of(most)
    assert most <= scale.top * 1.0001
    assert 2 <= len(list(scale.lines())) <= 6


values = st.lists(st.one_of(st.none(), st.integers(0, 10**9), st.floats(0, 1e6)), min_size=1, max_size=40)


@given(values, st.sampled_from([ChartKind.BARS, ChartKind.LINES]), st.sampled_from(list(CellKind)))
def test_every_chart_is_valid_and_shows_its_data(drawn: list[float | None], kind: ChartKind, unit: CellKind) -> None:
    labels = [f"2026-11-{number % 28 + 1:02}" for number in range(len(drawn))]
    lines = [ChartLine(TITLE, drawn), ChartLine(TITLE, list(reversed(drawn)))]
    root = ET.fromstring(draw_chart(Chart(TITLE, kind, labels, lines, unit), "ru"))
    marks = [item for item in root.iter() if item.tag.endswith("title")]
    shown = [value for value in drawn if (value is not None if kind is ChartKind.LINES else value)]
    assert len(marks) == 2 * len(shown)
    for item in root.iter():
        for name in ("x", "y", "cy", "cx", "width"):
            assert float(item.get(name, "0")) >= 0


@given(st.lists(st.tuples(st.text(max_size=60), st.integers(0, 10**7)), min_size=1, max_size=12))
def test_ranks_name_anything(pairs: list[tuple[str, int]]) -> None:
    clean = [("".join(c for c in name if c.isprintable()), count) for name, count in pairs]
    chart = Chart(
        TITLE, ChartKind.RANKS, [name for name, _ in clean], [ChartLine(TITLE, [count for _, count in clean])]
    )
    root = ET.fromstring(draw_chart(chart, "en"))
    assert sum(item.tag.endswith("rect") for item in root.iter()) == len(pairs)
