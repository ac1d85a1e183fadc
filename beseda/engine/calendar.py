"""The times of a bot's appointments: working hours in its time zone, and the slots that follow from them.

Hours are wall-clock times, slots are instants. On a day on which the clocks change, a slot is offered only if its whole
length lies inside the working hours in local time.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from beseda.locales import Text

CELL = timedelta(minutes=15)  # the grain of a calendar: no two meetings share a cell
_DAY = 24 * 60
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WEEKDAYS = Text("calendar.weekdays")
_MONTHS = Text("calendar.months")


class Opening(NamedTuple):
    """Open from one minute of the day to another: (540, 720) is nine to noon, 1440 is midnight at the end."""

    start: int
    end: int


class TimeSpan(NamedTuple):
    """From an instant to another, both in UTC; the end no longer belongs to it."""

    start: datetime
    end: datetime

    def cells(self) -> range:
        """Return the numbers of the calendar's cells that the span touches, counted since 1970."""
        return range((self.start - _EPOCH) // CELL, -((_EPOCH - self.end) // CELL))


@dataclass(frozen=True, slots=True)
class CalendarSlot:
    """A time that can be had, and how it reads: “Mon 23 November, 14:00”, in the calendar's own time zone."""

    starts_at: datetime
    ends_at: datetime
    label: str


@dataclass(frozen=True, slots=True)
class Calendar:
    """The times at which a bot makes appointments.

    `hours` are by weekday; 0 is Monday. A meeting lasts `duration`. One may begin every `step` of an opening, not
    sooner than `notice` from now and not later than `horizon`. `reminders` are the periods before a meeting at which
    both sides are reminded, the longest first. `title` and `place` are shown by calendar programmes; `mail` is the
    address of the organiser.
    """

    zone: ZoneInfo
    hours: Mapping[int, Sequence[Opening]]
    duration: timedelta = timedelta(minutes=60)
    step: timedelta = timedelta(minutes=30)
    notice: timedelta = timedelta(hours=2)
    horizon: timedelta = timedelta(days=14)
    holidays: frozenset[date] = frozenset()
    reminders: Sequence[timedelta] = (timedelta(hours=24), timedelta(hours=1))
    title: Text = field(default=Text("calendar.title"))
    place: str = ""
    mail: str = ""

    def day_of(self, moment: datetime) -> date:
        """Return which day it is in the calendar's time zone."""
        return moment.astimezone(self.zone).date()

    def span(self, starts_at: datetime) -> TimeSpan:
        """Return the time that a meeting takes which starts then."""
        start = starts_at.astimezone(UTC)
        return TimeSpan(start, start + self.duration)

    def slots_on(self, day: date) -> Iterator[TimeSpan]:
        """Yield every slot of a day, taken or not, in order and each once."""
        if day in self.holidays:
            return
        for opening in self.hours.get(day.weekday(), ()):
            start, end = self._opened(day, opening.start), self._closed(day, opening.end)
            while start + self.duration <= end:
                yield TimeSpan(start, start + self.duration)
                start += self.step

    def slots(self, now: datetime, first: date, days: int) -> Iterator[TimeSpan]:
        """Yield the slots of so many days that can still be asked for."""
        last = self.day_of(now + self.horizon)
        for number in range(days):
            day = first + timedelta(days=number)
            if day > last:
                return
            yield from (span for span in self.slots_on(day) if self._is_open(span.start, now))

    def offers(self, starts_at: datetime, now: datetime) -> bool:
        """Return whether a meeting may start then: in working hours, on the grid, not too soon and not too far off."""
        # Of the far ends of time not even the next hour can be told: that comes first.
        return self._is_open(starts_at, now) and self.span(starts_at) in self.slots_on(self.day_of(starts_at))

    def next_reminder(self, starts_at: datetime, now: datetime) -> datetime | None:
        """Return the time of the next reminder to both sides, or None if no reminder is left."""
        times = sorted(starts_at - before for before in self.reminders)
        return next((moment for moment in times if moment > now), None)

    def write_time(self, moment: datetime, language: str) -> str:
        """Return “Mon 23 November, 14:00” in the calendar's time zone."""
        local = moment.astimezone(self.zone)
        weekday = _WEEKDAYS.say(language).split()[local.weekday()]
        month = _MONTHS.say(language).split()[local.month - 1]
        return f"{weekday} {local.day} {month}, {local:%H:%M}"

    def slot(self, span: TimeSpan, language: str) -> CalendarSlot:
        """Return a slot with its label."""
        return CalendarSlot(span.start, span.end, self.write_time(span.start, language))

    def _is_open(self, starts_at: datetime, now: datetime) -> bool:
        return now + self.notice <= starts_at <= now + self.horizon

    def _opened(self, day: date, minute: int) -> datetime:
        return max(self._instants(day, minute))

    def _closed(self, day: date, minute: int) -> datetime:
        return min(self._instants(day, minute))

    def _instants(self, day: date, minute: int) -> tuple[datetime, datetime]:
        # A wall time that the clocks skip or show twice stands for two instants: opening late and closing early keeps
        # every slot inside the hours whichever was meant.
        day, minute = day + timedelta(days=minute // _DAY), minute % _DAY
        local = datetime.combine(day, time(minute // 60, minute % 60), self.zone)
        return local.astimezone(UTC), local.replace(fold=1).astimezone(UTC)
