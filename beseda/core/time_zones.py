"""Time zones, and hours of a day in them."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


def is_zone(name: str) -> bool:
    """Return whether this is the name of a time zone."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # a folder of the database, such as "Europe", is an OSError
        return False
    return True


@dataclass(frozen=True, slots=True)
class QuietHours:
    """The hours in which no message is sent, in the bot's time zone; they may span midnight."""

    begin: time
    end: time

    def ends(self, now: datetime, zone: str) -> datetime | None:
        """Return when the quiet hours end that `now` is in; None outside of them."""
        local = now.astimezone(ZoneInfo(zone))
        clock = local.time()
        spans = self.begin > self.end
        quiet = clock >= self.begin or clock < self.end if spans else self.begin <= clock < self.end
        if not quiet:
            return None
        day = local.date() + timedelta(days=1) if spans and clock >= self.begin else local.date()
        end = datetime.combine(day, self.end, ZoneInfo(zone))
        # Where summer time ends within them, the hour that they end in comes twice.
        return (end if end.timestamp() > now.timestamp() else end.replace(fold=1)).astimezone(UTC)

    def __str__(self) -> str:
        return f"{self.begin:%H:%M}-{self.end:%H:%M}"


def read_quiet_hours(text: str) -> QuietHours | None:
    """Return quiet hours written like `22:00-09:00`, None for an empty text. Raises ValueError."""
    if not text:
        return None
    begin, end = (datetime.strptime(clock, "%H:%M").time() for clock in text.split("-", 1))  # noqa: DTZ007 - no day
    hours = QuietHours(begin, end)
    if hours.begin == hours.end:
        raise ValueError("quiet hours begin and end at the same time")
    return hours
