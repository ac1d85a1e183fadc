"""The judgement of figures."""

import pytest

from bench.closed_loop import percentile
from bench.report import Bar, Row, Section, format_section, to_plain


@pytest.mark.parametrize(
    ("bar", "value", "reference", "kept"),
    [
        (Bar(most=1.5), 1.5, None, True),
        (Bar(most=1.5), 1.6, None, False),
        (Bar(ratio=0.5), 1.0, 2.0, True),
        (Bar(ratio=0.5), 1.1, 2.0, False),
        (Bar(ratio=0.5), 0.1, None, False),
        (Bar(above=1.5), 3.5, 2.0, True),
        (Bar(above=1.5), 3.6, 2.0, False),
    ],
)
def test_bar_judges(bar: Bar, value: float, reference: float | None, *, kept: bool) -> None:
    assert Row("figure", "ms", value, reference, bar).is_kept is kept


def test_table_shows_ratio_and_verdict() -> None:
    rows = [
        Row("CPU", "ms", 0.8, 2.0, Bar(ratio=0.5)),
        Row("wait", "s", 2.0, None, Bar(most=1.5)),
        Row("rate", "", 1234),
    ]
    lines = format_section(Section("Load", "as measured", rows)).splitlines()
    assert lines[0] == "Load (as measured)"
    assert lines[2].split() == ["CPU,", "ms", "0.8", "2", "0.40", "≤", "0.5", "×", "ok"]
    assert lines[3].split()[-1] == "FAIL"
    assert lines[4].split() == ["rate", "1,234"]


def test_plain_form_carries_the_verdict() -> None:
    plain = to_plain(Section("Load", "", [Row("wait", "s", 2.0, None, Bar(most=1.5))]))
    assert plain["rows"] == [
        {"name": "wait", "unit": "s", "value": 2.0, "reference": None, "bar": "≤ 1.5", "ok": False}
    ]


def test_percentile_takes_the_lower_value() -> None:
    values = [float(number) for number in range(100, 0, -1)]
    assert (percentile(values, 0.5), percentile(values, 0.95), percentile(values, 1.0)) == (51.0, 96.0, 100.0)
