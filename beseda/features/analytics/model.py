"""Figures of a period: messages, response times, cost, and leads.

Most figures are sums and can be added hour by hour. Response times cannot: they are counted in buckets that widen with
the time, so that a percentile over any number of hours is exact but for the width of its bucket (at most 17 % of the
value). Distinct people cannot be added either: active people are stored by day.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = datetime(2015, 1, 1, tzinfo=UTC), datetime(2090, 1, 1, tzinfo=UTC)
_USUAL = timedelta(days=30)
_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)

# Renard's R'20 series: twenty steps to a power of ten, rounded to two digits.
_STEPS = (10, 11, 12, 14, 16, 18, 20, 22, 25, 28, 32, 36, 40, 45, 50, 56, 63, 71, 80, 90)
# Where buckets of response times begin, in milliseconds; the last one has no end.
BUCKETS: tuple[int, ...] = (0, *(step * 10**power for power in range(5) for step in _STEPS), 1_000_000)


class SeriesStep(StrEnum):
    """How wide a point of a series is. Days and weeks are those of UTC, weeks begin on Mondays."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"

    @property
    def width(self) -> timedelta:
        """Return the time from one point to the next."""
        return {SeriesStep.HOUR: HOUR, SeriesStep.DAY: DAY, SeriesStep.WEEK: WEEK}[self]

    def floor(self, moment: datetime) -> datetime:
        """Return the beginning of the point that `moment` falls into."""
        start = _MONDAY if self is SeriesStep.WEEK else _EPOCH
        return start + (moment - start) // self.width * self.width


class Metric(StrEnum):
    """The quantity that a series shows."""

    CONVERSATIONS = "conversations"
    MESSAGES = "messages"
    ANSWERS = "answers"
    ACTIVE_USERS = "active_users"
    FAILURES = "failures"
    MODEL_CALLS = "model_calls"
    MODEL_FAILURES = "model_failures"
    TOKENS = "tokens"
    COST = "cost"
    FLOOD_WAITS = "flood_waits"
    RESPONSE_P50 = "response_p50"
    RESPONSE_P95 = "response_p95"
    LEADS = "leads"
    LEADS_WON = "leads_won"


@dataclass(frozen=True, slots=True)
class Period:
    """The time from `since` up to, not including, `until`; of one bot, or of all if `bot` is empty."""

    since: datetime
    until: datetime
    bot: str = ""

    @classmethod
    def between(cls, since: datetime | None, until: datetime | None, now: datetime, bot: str = "") -> "Period":
        """Return the requested period. By default it ends at `now` and lasts thirty days.

        Times before 2015, the year of Telegram's first bots, and from 2090 on are cut off, because there is no data for
        them.
        """
        end = min(max(until or now, _FIRST), _LAST)
        return cls(min(max(since or end - _USUAL, _FIRST), _LAST), end, bot)


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures that can be added up. `failures` counts turns that ended without an answer, `cost` is in US dollars."""

    conversations: int = 0
    messages: int = 0
    answers: int = 0
    failures: int = 0
    model_calls: int = 0
    model_failures: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    flood_waits: int = 0
    flood_seconds: float = 0.0

    @property
    def tokens(self) -> int:
        """Return how many tokens were read and written."""
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(*(getattr(self, item.name) + getattr(other, item.name) for item in fields(Figures)))


@dataclass(slots=True)
class ResponseTimes:
    """How many answers there were by bucket, the bucket named by its beginning in milliseconds."""

    counts: dict[int, int] = field(default_factory=dict)

    def add(self, milliseconds: int, count: int = 1) -> None:
        """Count answers that took so long."""
        bucket = BUCKETS[bisect_right(BUCKETS, max(0, milliseconds)) - 1]
        self.counts[bucket] = self.counts.get(bucket, 0) + count

    def merge(self, other: "ResponseTimes") -> None:
        """Add another's counts."""
        for bucket, count in other.counts.items():
            self.counts[bucket] = self.counts.get(bucket, 0) + count

    def percentile(self, share: float) -> int | None:
        """Return how many milliseconds it took at most for a `share` (0 to 1) of the answers; None without any.

        Within a bucket answers are taken to lie evenly: the error is less than its width.
        """
        total = sum(self.counts.values())
        if not total:
            return None
        left = share * total
        for bucket, count in sorted(self.counts.items()):
            if left <= count:
                return round(bucket + (_end(bucket) - bucket) * left / count)
            left -= count
        return max(self.counts)


def _end(bucket: int) -> int:
    place = bisect_right(BUCKETS, bucket)
    return BUCKETS[place] if place < len(BUCKETS) else bucket


@dataclass(slots=True)
class HourFigures:
    """One bot's figures of one hour, or of a part of it."""

    bot: str
    hour: datetime
    figures: Figures = field(default_factory=Figures)
    times: ResponseTimes = field(default_factory=ResponseTimes)


@dataclass(frozen=True, slots=True)
class FunnelDay:
    """How many leads of a bot came into a stage on a day, left it, and were won while in it."""

    bot: str
    day: datetime
    stage: str
    entered: int = 0
    exited: int = 0
    won: int = 0


@dataclass(frozen=True, slots=True)
class LeadFigures:
    """The leads that came in a period, as they stand now; those that were merged into others do not count."""

    by_status: Mapping[str, int] = field(default_factory=dict)
    by_stage: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Return how many came."""
        return sum(self.by_status.values())

    @property
    def won(self) -> int:
        """Return how many of them have been won since."""
        return self.by_status.get("won", 0)

    @property
    def conversion(self) -> float:
        """Return the share of them that was won, in percent: never above 100, the won being among those that came."""
        return round(100 * self.won / self.total, 2) if self.total else 0.0


@dataclass(frozen=True, slots=True)
class Metrics:
    """All figures of a period. Response times are in milliseconds, or None if nothing was answered."""

    period: Period
    figures: Figures
    active_users: int
    response_p50: int | None
    response_p95: int | None
    leads: LeadFigures
    funnel: Sequence[FunnelDay]
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a series: the value of the step that begins at `at`, or None if there was nothing to measure."""

    at: datetime
    value: float | None


def list_points(period: Period, step: SeriesStep) -> list[datetime]:
    """Return the start times of the points of a series."""
    first = step.floor(period.since)
    count = -((first - period.until) // step.width)
    return [first + number * step.width for number in range(count)]
