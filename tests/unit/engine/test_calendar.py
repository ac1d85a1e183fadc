"""Slots: inside the hours that people read off their clocks, on every day of every zone."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from beseda.engine.calendar import CELL, Calendar, Opening, TimeSpan

MOSCOW, BERLIN = ZoneInfo("Europe/Moscow"), ZoneInfo("Europe/Berlin")
MINUTE = timedelta(minutes=1)
# Whole hours, half an hour (Lord Howe), a day left out (Apia), changes at midnight (Beirut), none at all.
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Beirut", "Asia/Kathmandu")
# Days when the clocks change somewhere of these, and a quiet one.
CHANGES = [(3, 8), (3, 29), (4, 5), (10, 4), (10, 25), (11, 1), (7, 1)]
quarters = st.integers(0, 95)
moments = st.tuples(st.sampled_from(CHANGES), st.integers(-200, 200)).map(
    lambda pick: datetime(2026, *pick[0], tzinfo=UTC) + pick[1] * CELL
)


@st.composite
def openings(draw: st.DrawFn) -> tuple[Opening, ...]:
    edges = sorted(draw(st.sets(quarters, min_size=2, max_size=6)))
    edges = [edge * 15 for edge in edges]
    return tuple(Opening(start, end) for start, end in zip(edges[::2], edges[1::2], strict=False))


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    return Calendar(
        ZoneInfo(draw(st.sampled_from(ZONES))),
        {day: draw(openings()) for day in draw(st.sets(st.integers(0, 6)))},
        duration=draw(st.integers(1, 12)) * CELL,
        step=draw(st.integers(1, 8)) * CELL,
        notice=draw(st.integers(0, 48)) * timedelta(hours=1),
        horizon=draw(st.integers(1, 40)) * timedelta(days=1),
        holidays=frozenset(draw(st.sets(st.dates(date(2026, 10, 20), date(2026, 10, 30)), max_size=3))),
    )


def wall_minutes(calendar: Calendar, moment: datetime) -> int:
    local = moment.astimezone(calendar.zone)
    return local.hour * 60 + local.minute


def is_inside(calendar: Calendar, span: TimeSpan) -> bool:
    """Return whether every minute of a span is, on the clock, inside one opening of its day."""
    day = calendar.day_of(span.start)
    minutes = [span.start + number * MINUTE for number in range((span.end - span.start) // MINUTE)]
    return any(
        all(
            calendar.day_of(moment) == day and start <= wall_minutes(calendar, moment) < end
            for moment in (*minutes[::5], minutes[-1])
        )
        for start, end in calendar.hours.get(day.weekday(), ())
    )


@given(calendars(), moments, st.integers(1, 5))
def test_slots_are_inside_the_hours_ahead_and_each_once(calendar: Calendar, now: datetime, days: int) -> None:
    spans = list(calendar.slots(now, calendar.day_of(now), days))
    assert all(is_inside(calendar, span) for span in spans)
    assert all(now + calendar.notice <= span.start <= now + calendar.horizon for span in spans)
    assert [span.start for span in spans] == sorted({span.start for span in spans})
    assert not {calendar.day_of(span.start) for span in spans} & calendar.holidays
    assert all(calendar.offers(span.start, now) for span in spans[:5])


@given(calendars(), moments)
def test_only_slots_are_offered(calendar: Calendar, start: datetime) -> None:
    now = start - timedelta(hours=50)
    listed = any(span.start == start for span in calendar.slots(now, calendar.day_of(start), 1))
    assert calendar.offers(start, now) == listed


def whole_days(zone: ZoneInfo) -> Calendar:
    hours = {day: (Opening(0, 1440),) for day in range(7)}
    return Calendar(zone, hours, step=timedelta(hours=1), horizon=timedelta(days=400))


def test_day_without_an_hour_has_23_slots_and_a_day_with_one_more_25() -> None:
    calendar = whole_days(BERLIN)
    lengths = [len(list(calendar.slots_on(date(2026, month, day)))) for month, day in ((3, 29), (6, 1), (10, 25))]
    assert lengths == [23, 24, 25]


def test_hours_that_the_clocks_skip_are_not_offered() -> None:
    calendar = Calendar(BERLIN, {6: (Opening(60, 240),)}, step=timedelta(minutes=30))
    walls = [calendar.write_time(span.start, "en")[-5:] for span in calendar.slots_on(date(2026, 3, 29))]
    assert walls == ["01:00", "01:30", "03:00"]


def test_opening_that_begins_in_the_hour_that_comes_twice_begins_in_the_second() -> None:
    calendar = Calendar(BERLIN, {6: (Opening(150, 240),)}, step=timedelta(minutes=30))
    starts = [span.start for span in calendar.slots_on(date(2026, 10, 25))]
    assert starts == [datetime(2026, 10, 25, 1, 30, tzinfo=UTC), datetime(2026, 10, 25, 2, 0, tzinfo=UTC)]


def test_day_that_a_country_left_out_has_no_slots() -> None:
    assert list(whole_days(ZoneInfo("Pacific/Apia")).slots_on(date(2011, 12, 30))) == []


def test_same_hours_move_in_utc_when_the_clocks_change() -> None:
    calendar = Calendar(BERLIN, {day: (Opening(540, 600),) for day in range(7)})
    starts = [next(iter(calendar.slots_on(date(2026, 10, day)))).start.hour for day in (24, 26)]
    assert starts == [7, 8]


def test_holiday_has_no_slots() -> None:
    hours = {day: (Opening(540, 1080),) for day in range(7)}
    calendar = Calendar(MOSCOW, hours, holidays=frozenset({date(2026, 12, 31)}))
    assert list(calendar.slots_on(date(2026, 12, 31))) == []
    assert len(list(calendar.slots_on(date(2026, 12, 30)))) == 17


def test_far_ends_of_time_are_no_slots() -> None:
    calendar, now = whole_days(MOSCOW), datetime(2026, 11, 20, tzinfo=UTC)
    assert not calendar.offers(datetime.max.replace(tzinfo=UTC), now)
    assert not calendar.offers(datetime.min.replace(tzinfo=UTC), now)
    assert list(calendar.slots(now, date.max, 9)) == []


def test_cells_cover_the_whole_span() -> None:
    start = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
    assert len(TimeSpan(start, start + timedelta(hours=1)).cells()) == 4
    assert len(TimeSpan(start + MINUTE, start + 16 * MINUTE).cells()) == 2
    assert TimeSpan(start, start + CELL).cells().stop == TimeSpan(start + CELL, start + 2 * CELL).cells().start


def test_reminders_that_are_left_come_in_order() -> None:
    calendar, start = whole_days(MOSCOW), datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
    assert calendar.next_reminder(start, start - timedelta(hours=30)) == start - timedelta(hours=24)
    assert calendar.next_reminder(start, start - timedelta(hours=24)) == start - timedelta(hours=1)
    assert calendar.next_reminder(start, start - timedelta(minutes=30)) is None


def test_time_reads_in_both_languages_and_in_the_zone_of_the_calendar() -> None:
    moment = datetime(2026, 11, 24, 11, 30, tzinfo=UTC)
    calendar = whole_days(MOSCOW)
    assert calendar.write_time(moment, "ru") == "вт 24 ноября, 14:30"
    assert calendar.write_time(moment, "en") == "Tue 24 November, 14:30"
