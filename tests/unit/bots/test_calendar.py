"""`calendar` in a bot's folder."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from beseda.bots.catalog import Catalog
from beseda.engine.calendar import Opening
from tests.unit.bots.test_catalog import MINIMAL, refusal, write_bot

CALENDAR = """
calendar:
  timezone: Europe/Moscow
  hours: {mon-fri: ["09:00-12:00", "14:00-17:00"], sat: ["10:00-24:00"]}
  duration: 45
  step: 15
  notice_hours: 4
  horizon_days: 30
  holidays: [2027-01-01]
  reminder_hours: [2, 24]
  place: "Офис, 2 этаж"
"""


def test_calendar_is_read(tmp_path: Path) -> None:
    write_bot(tmp_path, text=MINIMAL + CALENDAR)
    calendar = Catalog([tmp_path]).load("sales").calendar
    assert calendar is not None
    assert calendar.hours[4] == (Opening(540, 720), Opening(840, 1020))
    assert (calendar.hours[5], 6 in calendar.hours) == ((Opening(600, 1440),), False)
    assert (calendar.zone.key, calendar.duration, calendar.step) == (
        "Europe/Moscow",
        timedelta(minutes=45),
        timedelta(minutes=15),
    )
    assert (calendar.notice, calendar.horizon) == (timedelta(hours=4), timedelta(days=30))
    assert calendar.holidays == {date(2027, 1, 1)}
    assert calendar.reminders == (timedelta(hours=24), timedelta(hours=2))
    assert calendar.title.say("en") == "Consultation: Sales"


def test_bot_without_a_calendar_makes_no_appointments(tmp_path: Path) -> None:
    write_bot(tmp_path)
    assert Catalog([tmp_path]).load("sales").calendar is None
    assert "sales" not in Catalog([tmp_path]).diaries()


def test_diaries_are_read_without_the_bots(tmp_path: Path) -> None:
    write_bot(tmp_path, text=MINIMAL + CALENDAR + "model: demo\n", handlers="raise RuntimeError")
    write_bot(tmp_path, "broken", text="title: [")
    assert Catalog([tmp_path]).diaries()["sales"].model == "demo"


@pytest.mark.parametrize(
    ("old", "new", "english", "russian"),
    [
        ("Europe/Moscow", "Moscow", "there is no time zone 'Moscow'", "нет часового пояса 'Moscow'"),
        ("Europe/Moscow", "../../etc/passwd", "there is no time zone", "нет часового пояса"),
        ("mon-fri", "mon-fry", "'mon-fry' are no days", "не дни недели"),
        ("sat:", "fri:", "fri is named twice", "день fri назван дважды"),
        ("09:00-12:00", "9-12", "'9-12' are no working hours", "не часы работы"),
        ("09:00-12:00", "12:00-09:00", "are no working hours", "не часы работы"),
        ("09:00-12:00", "09:10-12:00", "are no working hours", "не часы работы"),
        ("10:00-24:00", "10:00-24:15", "are no working hours", "не часы работы"),
        ("14:00-17:00", "11:00-17:00", "run into others", "пересекаются"),
        ("10:00-24:00", "25:00-26:00", "are no working hours", "не часы работы"),
        ("notice_hours: 4", "notice_hours: 720", "nothing could ever be booked", "записаться было бы нельзя"),
    ],
)
def test_wrong_calendar_is_explained_in_both_languages(
    tmp_path: Path, old: str, new: str, english: str, russian: str
) -> None:
    write_bot(tmp_path, text=MINIMAL + CALENDAR.replace(old, new))
    said = refusal(Catalog([tmp_path]))
    assert "bot.yaml: calendar" in said
    assert english in said
    assert russian in said


def test_meeting_longer_than_any_hours_is_refused(tmp_path: Path) -> None:
    text = CALENDAR.replace("duration: 45", "duration: 480").replace("10:00-24:00", "10:00-12:00")
    write_bot(tmp_path, text=MINIMAL + text)
    said = refusal(Catalog([tmp_path]))
    assert "lasts longer than any" in said
    assert "дольше, чем любые" in said


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("duration: 45", "duration: 50"),
        ("step: 15", "step: 0"),
        ("horizon_days: 30", "horizon_days: 0"),
        ("[2027-01-01]", "[new year]"),
        ("[2, 24]", "[0]"),
        ("place:", "plaze:"),
        ("timezone: Europe/Moscow", ""),
    ],
)
def test_value_out_of_bounds_is_refused(tmp_path: Path, old: str, new: str) -> None:
    write_bot(tmp_path, text=MINIMAL + CALENDAR.replace(old, new))
    assert "calendar" in refusal(Catalog([tmp_path]))
