"""The parts of a broadcast that are pure logic: quiet hours, when to stop, the gate."""

from datetime import UTC, datetime

import pytest

from beseda.core.time_zones import read_quiet_hours
from beseda.features.broadcasts.mailing import RateGate
from beseda.features.broadcasts.model import BroadcastContent, RecipientState, StopRule
from beseda.testing.clock import ManualClock

SENT, BLOCKED, FAILED = RecipientState.SENT, RecipientState.BLOCKED, RecipientState.FAILED


def at(hour: int, minute: int = 0, day: int = 10) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "now", "ends"),
    [
        ("22:00-09:00", at(23), at(9, day=11)),
        ("22:00-09:00", at(3), at(9)),
        ("22:00-09:00", at(22), at(9, day=11)),
        ("22:00-09:00", at(9), None),
        ("22:00-09:00", at(21, 59), None),
        ("13:00-15:00", at(14), at(15)),
        ("13:00-15:00", at(15), None),
    ],
)
def test_quiet_hours_end(hours: str, now: datetime, ends: datetime | None) -> None:
    quiet = read_quiet_hours(hours)
    assert quiet is not None
    assert quiet.ends(now, "UTC") == ends
    assert str(quiet) == hours


def test_quiet_hours_are_those_of_the_zone() -> None:
    quiet = read_quiet_hours("22:00-09:00")
    assert quiet is not None
    assert quiet.ends(at(20), "Europe/Moscow") == at(6, day=11)
    assert quiet.ends(at(20), "UTC") is None


def test_quiet_hours_end_in_the_hour_that_comes_twice() -> None:
    quiet = read_quiet_hours("22:00-02:30")
    assert quiet is not None
    again = datetime(2026, 10, 25, 1, 15, tzinfo=UTC)  # 2:15 for the second time
    assert quiet.ends(again, "Europe/Berlin") == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_quiet_hours_end_in_the_hour_that_is_left_out() -> None:
    quiet = read_quiet_hours("22:00-02:30")
    assert quiet is not None
    ends = quiet.ends(datetime(2026, 3, 29, 0, 30, tzinfo=UTC), "Europe/Berlin")
    assert ends == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["22:00", "25:00-09:00", "09:00-09:00", "never", "22:00:10-22:00:50", "22:00+03:00-09:00", "1-2-3"]
)
def test_invalid_quiet_hours_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_quiet_hours(text)
    assert read_quiet_hours("") is None


@pytest.mark.parametrize(
    ("outcomes", "reason"),
    [
        ([], ""),
        ([BLOCKED] * 19 + [SENT] * 10, ""),
        ([BLOCKED] * 20, "blocked by 20 of the last 20"),
        ([BLOCKED] * 20 + [SENT] * 180, "blocked by 20 of the last 200"),
        ([BLOCKED] * 20 + [SENT] * 181, ""),
        ([FAILED] * 20, "refused for 20 of the last 20"),
        ([FAILED] * 20 + [SENT] * 30, ""),
    ],
)
def test_broadcast_stops_by_the_result_of_the_last(outcomes: list[RecipientState], reason: str) -> None:
    assert StopRule().judge(outcomes) == reason


def test_share_counts_if_it_asks_for_more_than_the_least() -> None:
    rule = StopRule(share=0.5)
    assert rule.judge([BLOCKED] * 99 + [SENT] * 101) == ""
    assert rule.judge([BLOCKED] * 100 + [SENT] * 100) != ""


def test_reader_of_another_language_gets_the_first_text() -> None:
    content = BroadcastContent({"en": "News"}, {"en": "Read"}, "https://example.org")
    assert (content.text("ru"), content.label("ru")) == ("News", "Read")


async def test_gate_lets_one_through_after_another() -> None:
    clock = ManualClock(instant=True)
    gate = RateGate(clock, 10)
    for _ in range(21):
        await gate.pass_through()
    assert clock.monotonic() == pytest.approx(2.0)


async def test_gate_that_was_closed_is_narrower_for_a_while() -> None:
    clock = ManualClock(instant=True)
    gate = RateGate(clock, 10)
    gate.close(5)
    await gate.pass_through()
    assert (clock.monotonic(), gate.rate) == (5.0, 8.0)
    for _ in range(100):
        gate.widen()
    assert gate.rate == 10
