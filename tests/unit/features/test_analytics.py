"""Percentiles out of buckets, points of a series, ends of a period."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from beseda.features.analytics.model import (
    BUCKETS,
    DAY,
    HOUR,
    Figures,
    LeadFigures,
    Period,
    ResponseTimes,
    SeriesStep,
    list_points,
)

NOW = datetime(2026, 11, 20, 13, 30, tzinfo=UTC)  # a Friday


@given(st.lists(st.integers(10, 999_999), min_size=1, max_size=200), st.sampled_from([0.5, 0.95]))
def test_percentile_is_right_but_for_the_width_of_a_bucket(took: list[int], share: float) -> None:
    times = ResponseTimes()
    for milliseconds in took:
        times.add(milliseconds)
    place = max(0, -int(-share * len(took) // 1) - 1)
    exact = sorted(took)[place]
    found = times.percentile(share)
    assert found is not None
    assert abs(found - exact) <= 0.17 * exact + 1


@given(st.lists(st.tuples(st.integers(0, 2_000_000), st.booleans()), max_size=50))
def test_parts_come_to_the_whole(took: list[tuple[int, bool]]) -> None:
    whole, left, right = ResponseTimes(), ResponseTimes(), ResponseTimes()
    for milliseconds, side in took:
        whole.add(milliseconds)
        (left if side else right).add(milliseconds)
    left.merge(right)
    assert left == whole


def test_buckets_rise_and_are_never_wide() -> None:
    assert list(BUCKETS) == sorted(set(BUCKETS))
    steps = pairwise(BUCKETS[1:])
    assert max(upper / lower for lower, upper in steps) < 1.17


def test_nothing_answered_has_no_percentile() -> None:
    assert ResponseTimes().percentile(0.5) is None


def test_points_begin_with_their_step() -> None:
    period = Period(NOW - timedelta(days=8), NOW)
    assert [f"{at:%m-%d}" for at in list_points(period, SeriesStep.WEEK)] == ["11-09", "11-16"]
    assert list_points(period, SeriesStep.DAY)[0] == datetime(2026, 11, 12, tzinfo=UTC)
    assert len(list_points(Period(NOW, NOW + HOUR), SeriesStep.HOUR)) == 2
    assert len(list_points(Period(NOW - DAY, NOW), SeriesStep.DAY)) == 2


def test_period_is_the_last_thirty_days_by_default() -> None:
    assert Period.between(None, None, NOW) == Period(NOW - timedelta(days=30), NOW)


def test_period_from_the_beginning_of_time_is_cut() -> None:
    found = Period.between(datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC), NOW, "sales")
    assert (found.since.year, found.until.year, found.bot) == (2015, 2090, "sales")


def test_conversion_never_exceeds_a_hundred() -> None:
    assert LeadFigures({"won": 5}).conversion == 100
    assert LeadFigures({"won": 1, "lost": 1, "active": 1}).conversion == 33.33
    assert LeadFigures().conversion == 0


def test_figures_add_up() -> None:
    total = Figures(messages=2, cost=0.5) + Figures(messages=3, prompt_tokens=4, completion_tokens=1)
    assert (total.messages, total.cost, total.tokens) == (5, 0.5, 5)
