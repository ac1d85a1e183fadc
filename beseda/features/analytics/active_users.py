"""Active people by day: one row per person, bot and month, with a bit for each day.

One row per day would mean thirty times as many rows for the number of distinct people in a month. Each person is
counted under the bot and under "", which stands for all bots.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypeAlias

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    func,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects import postgresql, sqlite

from beseda.features.analytics.measure import ceil_day, floor_day, query_users
from beseda.features.analytics.model import DAY, Period, SeriesStep
from beseda.features.analytics.tables import active_users

_CHUNK = 1000
_Masks: TypeAlias = dict[datetime, int]


class GatheredDays:
    """Activity of people on several days, gathered first so that each person is written once for all of them."""

    def __init__(self) -> None:
        self._days: dict[tuple[datetime, str, int], int] = {}

    def add(self, moment: datetime, people: Sequence[tuple[str, int]]) -> None:
        """Add the people that were active on the day of `moment`, given as bot and person."""
        month, bit = _place(moment)
        for bot, user_id in people:
            for key in ((month, bot, user_id), (month, "", user_id)):
                self._days[key] = self._days.get(key, 0) | bit

    def cut_rows(self) -> Iterator[list[dict[str, object]]]:
        """Yield the rows in chunks, always in the same order."""
        keys = sorted(self._days)
        for start in range(0, len(keys), _CHUNK):
            yield [
                {"month": month, "bot": bot, "user_id": user_id, "days": self._days[month, bot, user_id]}
                for month, bot, user_id in keys[start : start + _CHUNK]
            ]


def add_writers(connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
    """Add days to the stored ones. Rows that contain these days already are not written."""
    build = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = build(active_users)
    known, new = active_users.c.days, statement.excluded.days
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["bot", "month", "user_id"],
            set_={"days": known.bitwise_or(new)},
            where=known.bitwise_and(new) != new,
        ),
        rows,
    )


def list_days(month: datetime, days: int) -> list[date]:
    """Return the days of a month for the bits that are set."""
    return [(month + place * DAY).date() for place in range(31) if days >> place & 1]


def query_people(period: Period, rolled_until: datetime | None) -> Select[Any]:
    """Return a query for the number of distinct active people.

    Whole days are read from the rolled-up rows, the remaining edges of the period from the turns.
    """
    first = ceil_day(period.since)
    last = first
    if rolled_until is not None:
        last = ceil_day(rolled_until) if period.until > rolled_until else floor_day(period.until)
    parts: list[Select[Any]] = []
    edges = [(period.since, period.until)]
    if rolled_until is not None and last > first:
        parts.append(select(active_users.c.user_id).where(_wrote(period.bot, list_masks(first, last))))
        edges = [(period.since, first), (min(last, rolled_until), period.until)]
    parts += [query_users(Period(since, until, period.bot)) for since, until in edges if since < until]
    seen = union_all(*parts).subquery()
    people = select(seen.c.user_id).distinct().subquery()
    return select(func.count()).select_from(people)


def count_writers(connection: Connection, period: Period, step: SeriesStep) -> dict[datetime, int]:
    """Return the number of distinct active people for each day or week of the period, from rolled-up days."""
    pieces = {at: list_masks(at, at + step.width) for at in _list_steps(period, step)}
    found: dict[datetime, int] = {}
    simple: dict[datetime, dict[datetime, int]] = {}
    for at, masks in pieces.items():
        if len(masks) == 1:
            [(month, mask)] = masks.items()
            simple.setdefault(month, {})[at] = mask
        else:  # a week that begins in one month and ends in the next
            people = select(active_users.c.user_id).where(_wrote(period.bot, masks)).distinct().subquery()
            found[at] = connection.execute(select(func.count()).select_from(people)).scalar_one()
    for month, steps in simple.items():
        found |= _count_month(connection, (period.bot, month), steps)
    return found


def _count_month(connection: Connection, place: tuple[str, datetime], steps: _Masks) -> dict[datetime, int]:
    bot, month = place
    seen = active_users.c
    sums = [func.count().filter(seen.days.bitwise_and(mask) != 0) for mask in steps.values()]
    row = connection.execute(select(*sums).where(seen.bot == bot, seen.month == month)).one()
    return {at: int(count) for at, count in zip(steps, row, strict=True)}


def _wrote(bot: str, masks: _Masks) -> ColumnElement[bool]:
    seen = active_users.c
    months = [and_(seen.month == month, seen.days.bitwise_and(mask) != 0) for month, mask in masks.items()]
    return and_(seen.bot == bot, or_(*months))


def list_masks(first: datetime, last: datetime) -> _Masks:
    """Return the bits of the days from `first` up to, not including, `last` by month."""
    masks: _Masks = {}
    day = first
    while day < last:
        month, bit = _place(day)
        masks[month] = masks.get(month, 0) | bit
        day += DAY
    return masks


def _place(moment: datetime) -> tuple[datetime, int]:
    return floor_day(moment).replace(day=1), 1 << (moment.day - 1)


def _list_steps(period: Period, step: SeriesStep) -> Iterator[datetime]:
    at = step.floor(period.since)
    while at < period.until:
        yield at
        at += step.width
