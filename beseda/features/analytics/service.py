"""Figures of a period: stored hourly totals for full hours, live queries for the rest."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from beseda.core.background_pace import BackgroundPace
from beseda.core.clock import Clock
from beseda.core.errors import PeriodError
from beseda.features.analytics.backlog import Backlog
from beseda.features.analytics.model import (
    DAY,
    HOUR,
    WEEK,
    Figures,
    HourFigures,
    Metric,
    Metrics,
    Period,
    Point,
    SeriesStep,
    list_points,
)
from beseda.features.analytics.repository import CONVERSATIONS, AnalyticsRepository

MOST_POINTS = 2000
# An answer that ends, or is asked for again, after its hour was rolled up: the hour is counted anew for so long.
_LATE = timedelta(hours=2)
_NIGHTLY = timedelta(days=2)
_TIMES = {Metric.RESPONSE_P50, Metric.RESPONSE_P95}
_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Split:
    """A period split into full hours with stored totals and the parts that are queried live."""

    rolled: Period | None
    live: Sequence[Period]


class AnalyticsService:
    """Computes figures of past activity and stores hourly totals."""

    def __init__(self, store: AnalyticsRepository, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def metrics(self, period: Period) -> Metrics:
        """Return everything about a period, as of this minute. Raises PeriodError and StorageError."""
        _check(period)
        rolled_until = await self._store.find_rolled_until()
        split = _split(period, rolled_until)
        pieces, users, leads, funnel = await asyncio.gather(
            self._gather(split),
            self._store.count_active_users(period, rolled_until),
            self._store.measure_leads(period),
            self._store.sum_funnel(period, rolled_until),
        )
        total = HourFigures(period.bot, period.since)
        for piece in pieces:
            _add(total, piece)
        p50, p95 = total.times.percentile(0.5), total.times.percentile(0.95)
        return Metrics(period, total.figures, users, p50, p95, leads, funnel, self._clock.now())

    async def series(self, period: Period, metric: Metric, step: SeriesStep) -> list[Point]:
        """Return one metric over a period, point by point. Raises PeriodError and StorageError."""
        _check(period)
        if (period.until - period.since) / step.width > MOST_POINTS:
            raise PeriodError(f"it has more than {MOST_POINTS} points; take a longer `step`, or `from` and `to` closer")
        if metric is Metric.ACTIVE_USERS:
            found = await self._count_users(period, step)
        elif metric in {Metric.LEADS, Metric.LEADS_WON}:
            found = dict(await self._store.count_leads_by_step(period, step, metric))
        else:
            cells = await self._gather_steps(period, step, times_only=metric in _TIMES)
            return [Point(at, _read(cells.get(at), metric)) for at in list_points(period, step)]
        return [Point(at, found.get(at, 0)) for at in list_points(period, step)]

    async def backlog(self) -> Backlog:
        """Return the amounts of pending work in the database. Raises StorageError."""
        return await self._store.read_backlog()

    async def roll_up(self) -> int:
        """Roll up the hours that have ended, and once more those that may have got late rows; return how many."""
        now = self._clock.now()
        until = SeriesStep.HOUR.floor(now)
        done = await self._store.find_rolled_until()
        since = done - _LATE if done else await self._store.find_first_moment()
        return await self._roll_up(since, until, now) if since else 0

    async def roll_up_days(self) -> int:
        """Roll up the last two days anew, whatever came late to them; return how many hours that was."""
        now = self._clock.now()
        first = await self._store.find_first_moment()
        since = max(SeriesStep.DAY.floor(now) - _NIGHTLY, first) if first else None
        return await self._roll_up(since, SeriesStep.HOUR.floor(now), now) if since else 0

    async def _roll_up(self, since: datetime, until: datetime, now: datetime) -> int:
        since = start = SeriesStep.HOUR.floor(since)
        pace = BackgroundPace()
        while start < until:
            days = _cut_days(Period(start, min(start + WEEK, until)))
            for piece in days:
                await self._store.store_hours(piece, await self._store.measure(piece))
                await pace.pause()
            await self._store.roll_up_users(days)
            start = days[-1].until
            await self._store.mark_rolled(start)  # a roll-up that is broken off goes on from here
            await pace.pause()
        day = SeriesStep.DAY.floor(since)
        while day < now:
            # The funnel is a day's; that of today is told as far as it has come.
            await self._store.roll_up_funnel(Period(day, day + DAY))
            await pace.pause()
            day += DAY
        await self._roll_up_conversations(since, until)
        return max(0, (until - since) // HOUR)

    async def _roll_up_conversations(self, since: datetime, until: datetime) -> None:
        done = await self._store.find_rolled_until(CONVERSATIONS)
        period = Period(min(since, done) if done else _BEGINNING, until)
        place: int | None = 0
        pace = BackgroundPace()
        while place is not None:
            place = await self._store.roll_up_conversations(period, place)
            await pace.pause()
        await self._store.mark_rolled(until, CONVERSATIONS)

    async def _gather(self, split: _Split) -> list[HourFigures]:
        """Return the figures of all parts."""
        live = await asyncio.gather(*(self._store.measure(part) for part in split.live))
        found = [cell for cells in live for cell in cells]
        if split.rolled is not None:
            found.append(await self._store.sum_up(split.rolled))
        return found

    async def _gather_steps(
        self, period: Period, step: SeriesStep, *, times_only: bool
    ) -> Mapping[datetime, HourFigures]:
        split = _split(period, await self._store.find_rolled_until())
        live = await asyncio.gather(*(self._store.measure(part, times_only=times_only) for part in split.live))
        found = [cell for cells in live for cell in cells]
        if split.rolled is not None:
            found += await self._store.list_steps(split.rolled, step, times_only=times_only)
        cells: dict[datetime, HourFigures] = {}
        for cell in found:
            at = step.floor(cell.hour)
            _add(cells.setdefault(at, HourFigures(period.bot, at)), cell)
        return cells

    async def _count_users(self, period: Period, step: SeriesStep) -> dict[datetime, int]:
        if step is SeriesStep.HOUR:
            raise PeriodError("`active_users` takes `step=day` or `step=week`")
        rolled_until = await self._store.find_rolled_until()
        found = dict(await self._store.count_users_by_step(period, step))
        for at in list_points(period, step):
            end = at + step.width
            whole = rolled_until is not None and end <= rolled_until and period.since <= at and end <= period.until
            if not whole and at < self._clock.now():
                part = Period(max(at, period.since), min(end, period.until), period.bot)
                found[at] = await self._store.count_active_users(part, rolled_until)
        return found


def _cut_days(period: Period) -> list[Period]:
    """Return the parts of a period that lie in one day each."""
    days = [period]
    while (end := SeriesStep.DAY.floor(days[-1].since) + DAY) < period.until:
        days[-1:] = [replace(days[-1], until=end), replace(period, since=end)]
    return days


def _check(period: Period) -> None:
    if period.since >= period.until:
        raise PeriodError("`to` must be later than `from`")


def _split(period: Period, rolled_until: datetime | None) -> _Split:
    first = SeriesStep.HOUR.floor(period.since)
    if first < period.since:
        first += HOUR
    last = min(SeriesStep.HOUR.floor(period.until), rolled_until or first)
    if last <= first:
        return _Split(None, [period])
    edges = [replace(period, until=first), replace(period, since=last)]
    return _Split(replace(period, since=first, until=last), [edge for edge in edges if edge.since < edge.until])


def _add(total: HourFigures, piece: HourFigures) -> None:
    total.figures += piece.figures
    total.times.merge(piece.times)


def _read(cell: HourFigures | None, metric: Metric) -> float | None:
    if metric in _TIMES:
        return cell.times.percentile(0.5 if metric is Metric.RESPONSE_P50 else 0.95) if cell else None
    value: float = getattr(cell.figures if cell else Figures(), metric.value)
    return value
