"""`calendar` in a bot's `bot.yaml`: the hours in which meetings can be booked."""

import re
from datetime import date, timedelta
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from beseda.engine.calendar import CELL, Calendar, Opening
from beseda.locales import Text, languages

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"(\d{1,2}):(\d{2})\s*[-–]\s*(\d{1,2}):(\d{2})")
_GRAIN = int(CELL.total_seconds()) // 60
_TITLE = Text("calendar.consultation_with")
_BAD_ZONE = Text("calendar_file.bad_zone")
_BAD_DAY = Text("calendar_file.bad_day")
_DAY_TWICE = Text("calendar_file.day_twice")
_BAD_HOURS = Text("calendar_file.bad_hours")
_OVERLAP = Text("calendar_file.overlap")
_TOO_SHORT = Text("calendar_file.too_short")
_NOTICE = Text("calendar_file.notice")

_Minutes = Annotated[int, Field(ge=_GRAIN, le=480, multiple_of=_GRAIN)]
_Reminder = Annotated[float, Field(gt=0, le=24 * 14)]


class CalendarEntry(BaseModel):
    """Hours in which a bot books meetings, by weekday, in the given time zone."""

    model_config = ConfigDict(extra="forbid")
    timezone: str = Field(description="Time zone of the hours.", examples=["Europe/Moscow"])
    hours: dict[str, list[str]] = Field(
        min_length=1, description="Working hours by weekday.", examples=['{mon-fri: ["09:00-12:00", "14:00-17:00"]}']
    )
    duration: _Minutes = Field(60, description="Minutes of a meeting, in steps of 15.")
    step: _Minutes = Field(30, description="Minutes between two possible beginnings.")
    notice_hours: float = Field(2, ge=0, le=24 * 30, description="Hours between a booking and the meeting, at least.")
    horizon_days: int = Field(14, ge=1, le=366, description="Days ahead that can be booked.")
    holidays: list[date] = Field([], max_length=1000, description="Days without meetings.", examples=["[2027-01-01]"])
    reminder_hours: list[_Reminder] = Field([24, 1], max_length=5, description="Hours before a meeting to remind.")
    place: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)] = Field(
        "", description="Place in the calendar file, such as an address or a link."
    )
    mail: Annotated[str, StringConstraints(pattern=r"^$|^[^@\s<>\"]+@[^@\s<>\"]+$", max_length=254)] = Field(
        "", description="Organizer's address in the calendar file."
    )

    @field_validator("timezone")
    @classmethod
    def know_the_zone(cls, value: str) -> str:
        """Reject a time zone that is unknown on this machine."""
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(_say(_BAD_ZONE, value)) from None
        return value

    @field_validator("hours")
    @classmethod
    def read_the_hours(cls, value: dict[str, list[str]]) -> dict[str, list[str]]:
        """Reject invalid days, invalid hours, and hours that overlap."""
        _read_hours(value)
        return value

    @model_validator(mode="after")
    def leave_something(self) -> Self:
        """Reject a calendar in which no meeting could ever be booked."""
        openings = [opening for day in _read_hours(self.hours).values() for opening in day]
        if openings and max(opening.end - opening.start for opening in openings) < self.duration:
            raise ValueError(_say(_TOO_SHORT))
        if self.notice_hours >= self.horizon_days * 24:
            raise ValueError(_say(_NOTICE))
        return self

    def to_calendar(self, title: Text) -> Calendar:
        """Return the entry as a `Calendar`. `title` is the bot's title."""
        return Calendar(
            zone=ZoneInfo(self.timezone),
            hours=_read_hours(self.hours),
            duration=timedelta(minutes=self.duration),
            step=timedelta(minutes=self.step),
            notice=timedelta(hours=self.notice_hours),
            horizon=timedelta(days=self.horizon_days),
            holidays=frozenset(self.holidays),
            reminders=tuple(timedelta(hours=hours) for hours in sorted(set(self.reminder_hours), reverse=True)),
            title=Text(**{one: _TITLE.say(one, title=title.say(one)) for one in languages()}),
            place=self.place,
            mail=self.mail,
        )


def _read_hours(entries: dict[str, list[str]]) -> dict[int, tuple[Opening, ...]]:
    """Return the openings by weekday. Raises ValueError, in both languages."""
    found: dict[int, tuple[Opening, ...]] = {}
    for days, hours in entries.items():
        openings = _read_openings(hours)
        for day in _read_days(days):
            if day in found:
                raise ValueError(_say(_DAY_TWICE, _DAYS[day]))
            found[day] = openings
    return found


def _read_days(text: str) -> list[int]:
    found: list[int] = []
    for piece in text.lower().replace(" ", "").split(","):
        first, _, last = piece.partition("-")
        if first not in _DAYS or (last or first) not in _DAYS or piece.endswith("-"):
            raise ValueError(_say(_BAD_DAY, text))
        start, end = _DAYS.index(first), _DAYS.index(last or first)
        found += [(start + number) % 7 for number in range((end - start) % 7 + 1)]
    return found


def _read_openings(hours: list[str]) -> tuple[Opening, ...]:
    found: list[Opening] = []
    for text in hours:
        match = _HOURS.fullmatch(text.strip())
        start, end = _minutes(match, 1), _minutes(match, 3)
        if not 0 <= start < end <= 24 * 60 or start % _GRAIN or end % _GRAIN:
            raise ValueError(_say(_BAD_HOURS, text))
        if any(start < other.end and other.start < end for other in found):
            raise ValueError(_say(_OVERLAP, text))
        found.append(Opening(start, end))
    return tuple(sorted(found))


def _minutes(match: "re.Match[str] | None", group: int) -> int:
    if match is None or int(match[group + 1]) > 59:
        return -1
    return int(match[group]) * 60 + int(match[group + 1])


def _say(text: Text, value: str = "") -> str:
    return f"{text.say('en', value=value)} / {text.say('ru', value=value)}"
