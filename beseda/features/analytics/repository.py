"""Rolled-up figures in SQL.

Heavy queries read in pieces of an hour to a day, outside the writer. Only their few result rows are written, so that
other writes never wait long. Every write replaces earlier rows, so it is safe to repeat.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import orjson
from sqlalchemy import Connection, and_, delete, func, insert, select, text
from sqlalchemy.dialects import postgresql, sqlite

from beseda.core.clock import Clock, SystemClock
from beseda.core.ids import time_of
from beseda.db.database import Database
from beseda.engine.conversations.tables import conversations, messages
from beseda.engine.events.tables import event_deliveries
from beseda.engine.flood_waits.repository import flood_waits
from beseda.engine.identity import find_highest
from beseda.engine.jobs.model import SLOTS, JobState
from beseda.engine.jobs.tables import jobs
from beseda.engine.shards.repository import shard_owners
from beseda.engine.updates.tables import updates
from beseda.features.analytics.active_users import GatheredDays, add_writers, count_writers, query_people
from beseda.features.analytics.backlog import Backlog
from beseda.features.analytics.funnel import count_funnel
from beseda.features.analytics.measure import (
    ceil_day,
    count_steps,
    floor_day,
    is_within,
    list_touched,
    list_writers,
    measure_hours,
    of_bot,
    step_time,
)
from beseda.features.analytics.model import (
    DAY,
    HOUR,
    Figures,
    FunnelDay,
    HourFigures,
    LeadFigures,
    Metric,
    Period,
    ResponseTimes,
    SeriesStep,
)
from beseda.features.analytics.tables import (
    conversation_metrics,
    conversion_funnel,
    hourly_figures,
    rollups,
)
from beseda.features.leads.model import LeadStatus
from beseda.features.leads.tables import leads

# What is rolled up, each as far as it has come.
HOURS, CONVERSATIONS = "hours", "conversations"

_CHUNK = 1000
_SUMS = list(Figures.__dataclass_fields__)
_FLOATS = {"cost", "flood_seconds"}
_NO_TIMES = "{}"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class AnalyticsRepository:
    """Figures in SQL. Every method raises StorageError if the database rejects the work or is unavailable."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()

    async def measure(self, period: Period, *, times_only: bool = False) -> list[HourFigures]:
        """Compute figures from the raw rows, all of them or response times only: exact, but slow for a long period."""
        return await self._database.read_long(
            lambda connection: measure_hours(connection, period, times_only=times_only)
        )

    async def sum_up(self, period: Period) -> HourFigures:
        """Add up rolled-up hours."""
        return await self._database.read_long(lambda connection: _sum_up(connection, period))

    async def list_steps(self, period: Period, step: SeriesStep, *, times_only: bool = False) -> list[HourFigures]:
        """Add up rolled-up hours by hour or day, all bots of the period together; weeks are returned as days."""
        return await self._database.read_long(
            lambda connection: _list_steps(connection, period, step, times_only=times_only)
        )

    async def count_active_users(self, period: Period, rolled_until: datetime | None) -> int:
        """Count distinct active people: from rolled-up days as far as these exist, and from the turns for the rest."""
        query = query_people(period, rolled_until)
        return int(await self._database.read_long(lambda connection: connection.execute(query).scalar_one()))

    async def count_users_by_step(self, period: Period, step: SeriesStep) -> Mapping[datetime, int]:
        """Count distinct people by day or week, from rolled-up days."""
        return await self._database.read_long(lambda connection: count_writers(connection, period, step))

    async def measure_leads(self, period: Period) -> LeadFigures:
        """Count the leads created in the period."""
        return await self._database.read_long(lambda connection: _measure_leads(connection, period))

    async def count_leads_by_step(self, period: Period, step: SeriesStep, metric: Metric) -> Mapping[datetime, int]:
        """Count leads by the time of their creation: all, or only the won ones."""
        return await self._database.read_long(lambda connection: _count_leads(connection, period, step, metric))

    async def sum_funnel(self, period: Period, rolled_until: datetime | None) -> list[FunnelDay]:
        """Add up the funnel over the days that the period touches: rolled up, or else from the events."""
        return await self._database.read_long(lambda connection: _sum_funnel(connection, period, rolled_until))

    async def read_backlog(self) -> Backlog:
        """Return the pending work. Partial indexes make the cost proportional to the size of the backlog."""
        return await self._database.read_long(_read_backlog)

    async def find_rolled_until(self, name: str = HOURS) -> datetime | None:
        """Return the moment up to which everything is rolled up, or None if nothing is."""
        query = select(rollups.c.until).where(rollups.c.name == name)
        return await self._database.read_long(lambda connection: connection.execute(query).scalar())

    async def find_first_moment(self) -> datetime | None:
        """Return the time of the first conversation or flood wait, or None if there are none."""
        queries = [select(func.min(conversations.c.created_at)), select(func.min(flood_waits.c.occurred_at))]

        def work(connection: Connection) -> datetime | None:
            found = [connection.execute(query).scalar() for query in queries]
            return min(filter(None, found), default=None)

        return await self._database.read_long(work)

    async def store_hours(self, period: Period, hours: Sequence[HourFigures]) -> None:
        """Replace the rolled-up hours of the period by these."""
        await self._database.write(lambda connection: _store_hours(connection, period, hours))

    async def roll_up_users(self, days: Sequence[Period]) -> None:
        """Record the active people of each of these periods. Each period lies within one day."""
        gathered = GatheredDays()
        for day in days:
            gathered.add(day.since, await self._database.read_long(partial(list_writers, period=day)))
        for rows in gathered.cut_rows():
            await self._database.write(partial(add_writers, rows=rows))

    async def roll_up_funnel(self, period: Period) -> None:
        """Replace the rolled-up funnel of the period's day by the funnel of the period."""
        day = floor_day(period.since)
        cells = await self._database.read_long(lambda connection: count_funnel(connection, period))
        rows = [
            {"bot": item.bot, "day": day, "stage": item.stage}
            | {"entered": item.entered, "exited": item.exited, "won": item.won}
            for item in cells
        ]

        def work(connection: Connection) -> None:
            connection.execute(delete(conversion_funnel).where(conversion_funnel.c.day == day))
            if rows:
                connection.execute(insert(conversion_funnel), rows)

        await self._database.write(work)

    async def roll_up_conversations(self, period: Period, after: int = 0) -> int | None:
        """Refresh a batch of conversations with messages in the period.

        Return the id to continue after, or None at the end.
        """
        ids = await self._database.read_long(lambda connection: list_touched(connection, period, after, _CHUNK))
        if not ids:
            return None
        now = self._clock.now()
        rows = await self._database.read_long(lambda connection: _measure_conversations(connection, ids, now))
        await self._database.write(lambda connection: _replace_conversations(connection, rows))
        return ids[-1]

    async def mark_rolled(self, until: datetime, name: str = HOURS) -> None:
        """Record that everything before `until` is rolled up. A later recorded time is kept."""
        row = {"name": name, "until": until, "updated_at": self._clock.now()}
        await self._database.write(partial(_mark_rolled, row=row))


def _read_backlog(connection: Connection) -> Backlog:
    number = func.count().label("number")
    unfinished = (
        select(updates.c.bot, number, func.min(updates.c.received_at).label("oldest"))
        .where(updates.c.finished_at.is_(None))
        .group_by(updates.c.bot)
    )
    waiting = (
        select(jobs.c.slot, jobs.c.state, number, func.min(jobs.c.due_at).label("oldest"))
        .where(jobs.c.finished_at.is_(None))
        .group_by(jobs.c.slot, jobs.c.state)
    )
    unsent = select(number, func.min(event_deliveries.c.created_at)).where(
        event_deliveries.c.state == text("'pending'")
    )
    by_bot = connection.execute(unfinished).all()
    by_slot = connection.execute(waiting).all()
    webhooks, oldest_webhook = connection.execute(unsent).one()
    zero_bots = dict.fromkeys(connection.execute(select(shard_owners.c.bot)).scalars(), 0)
    zero_jobs = {(slot, state.value): 0 for slot in SLOTS for state in (JobState.QUEUED, JobState.RUNNING)}
    return Backlog(
        updates=zero_bots | {row.bot: row.number for row in by_bot},
        jobs=zero_jobs | {(row.slot, row.state): row.number for row in by_slot},
        webhooks=webhooks,
        oldest_update={row.bot: row.oldest for row in by_bot},
        oldest_job={row.slot: row.oldest for row in by_slot if row.state == JobState.QUEUED},
        oldest_webhook=oldest_webhook,
        newest=time_of(highest) if (highest := find_highest(connection)) else None,
    )


def _mark_rolled(connection: Connection, row: Mapping[str, Any]) -> None:
    build = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = build(rollups).values(row)
    new = statement.excluded
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["name"],
            set_={"until": new.until, "updated_at": new.updated_at},
            where=rollups.c.until < new.until,
        )
    )


def _sum_up(connection: Connection, period: Period) -> HourFigures:
    hours = hourly_figures.c
    query = select(*(func.coalesce(func.sum(hours[name]), 0).label(name) for name in _SUMS)).where(
        is_within(hours.hour, period), *of_bot(hours.bot, period)
    )
    found: dict[int, HourFigures] = {}
    _add_times(connection, period, period.until - _EPOCH, found)
    total = HourFigures(period.bot, period.since, _load_figures(connection.execute(query).one()))
    for cell in found.values():
        total.times.merge(cell.times)
    return total


def _list_steps(connection: Connection, period: Period, step: SeriesStep, *, times_only: bool) -> list[HourFigures]:
    width = HOUR if step is SeriesStep.HOUR else DAY
    add = _add_times if times_only else _add_figures
    found: dict[int, HourFigures] = {}
    add(connection, period, width, found)
    return [found[number] for number in sorted(found)]


def _add_figures(connection: Connection, period: Period, width: timedelta, found: dict[int, HourFigures]) -> None:
    hours = hourly_figures.c
    at = count_steps(connection, hours.hour, width).label("step")
    query = (
        select(at, *(func.sum(hours[name]).label(name) for name in _SUMS))
        .where(is_within(hours.hour, period), *of_bot(hours.bot, period))
        .group_by(at)
    )
    for row in connection.execute(query):
        found[row.step] = HourFigures(period.bot, step_time(row.step, width), _load_figures(row))


def _add_times(connection: Connection, period: Period, width: timedelta, found: dict[int, HourFigures]) -> None:
    hours = hourly_figures.c
    at = count_steps(connection, hours.hour, width)
    query = select(at, hours.response_times).where(
        is_within(hours.hour, period), *of_bot(hours.bot, period), hours.response_times != _NO_TIMES
    )
    for number, written in connection.execute(query):
        cell = found.get(number)
        if cell is None:
            cell = found[number] = HourFigures(period.bot, step_time(number, width))
        counts = cell.times.counts
        for bucket, count in orjson.loads(written).items():
            counts[int(bucket)] = counts.get(int(bucket), 0) + count


def _load_figures(row: Any) -> Figures:
    # PostgreSQL adds up to numbers of its own kind.
    values: dict[str, Any] = {
        name: float(getattr(row, name)) if name in _FLOATS else int(getattr(row, name)) for name in _SUMS
    }
    return Figures(**values)


def _measure_leads(connection: Connection, period: Period) -> LeadFigures:
    query = (
        select(leads.c.status, leads.c.stage, func.count().label("number"))
        .where(_is_lead_of(period))
        .group_by(leads.c.status, leads.c.stage)
    )
    by_status: dict[str, int] = {}
    by_stage: dict[str, int] = {}
    for row in connection.execute(query):
        by_status[row.status] = by_status.get(row.status, 0) + row.number
        by_stage[row.stage] = by_stage.get(row.stage, 0) + row.number
    return LeadFigures(by_status, by_stage)


def _is_lead_of(period: Period) -> Any:
    return and_(leads.c.merged_into.is_(None), is_within(leads.c.created_at, period), *of_bot(leads.c.bot, period))


def _count_leads(connection: Connection, period: Period, step: SeriesStep, metric: Metric) -> dict[datetime, int]:
    width = HOUR if step is SeriesStep.HOUR else DAY
    at = count_steps(connection, leads.c.created_at, width).label("step")
    query = select(at, func.count().label("number")).where(_is_lead_of(period)).group_by(at)
    if metric is Metric.LEADS_WON:
        query = query.where(leads.c.status == LeadStatus.WON.value)
    found: dict[datetime, int] = {}
    for row in connection.execute(query):
        place = step.floor(step_time(row.step, width))
        found[place] = found.get(place, 0) + row.number
    return found


def _sum_funnel(connection: Connection, period: Period, rolled_until: datetime | None) -> list[FunnelDay]:
    days = Period(floor_day(period.since), ceil_day(period.until), period.bot)
    # The day in which the last roll-up ended is kept as far as it had come then: it is counted from the events.
    edge = min(max(floor_day(rolled_until), days.since), days.until) if rolled_until is not None else days.since
    found = _read_funnel(connection, replace(days, until=edge))
    for cell in count_funnel(connection, replace(days, since=edge)) if edge < days.until else ():
        sums = found.setdefault((cell.bot, cell.stage), [0, 0, 0])
        for place, number in enumerate((cell.entered, cell.exited, cell.won)):
            sums[place] += number
    return [FunnelDay(bot, days.since, stage, *sums) for (bot, stage), sums in sorted(found.items())]


def _read_funnel(connection: Connection, days: Period) -> dict[tuple[str, str], list[int]]:
    funnel = conversion_funnel.c
    sums = (func.sum(funnel[name]).label(name) for name in ("entered", "exited", "won"))
    query = (
        select(funnel.bot, funnel.stage, *sums)
        .where(is_within(funnel.day, days), *of_bot(funnel.bot, days))
        .group_by(funnel.bot, funnel.stage)
    )
    return {
        (row.bot, row.stage): [int(row.entered), int(row.exited), int(row.won)] for row in connection.execute(query)
    }


def _store_hours(connection: Connection, period: Period, hours: Sequence[HourFigures]) -> None:
    known = hourly_figures.c
    connection.execute(delete(hourly_figures).where(is_within(known.hour, period), *of_bot(known.bot, period)))
    rows = [
        {"bot": item.bot, "hour": item.hour, "response_times": _write_times(item.times)}
        | {name: getattr(item.figures, name) for name in _SUMS}
        for item in hours
    ]
    if rows:
        connection.execute(insert(hourly_figures), rows)


def _write_times(times: ResponseTimes) -> str:
    return orjson.dumps({str(bucket): count for bucket, count in sorted(times.counts.items())}).decode()


def _measure_conversations(connection: Connection, ids: Sequence[int], now: datetime) -> list[dict[str, object]]:
    query = (
        select(
            messages.c.conversation_id,
            func.count().label("number"),
            func.min(messages.c.created_at).label("first"),
            func.max(messages.c.created_at).label("last"),
        )
        .where(messages.c.conversation_id.in_(ids))
        .group_by(messages.c.conversation_id)
    )
    return [
        {
            "conversation_id": row.conversation_id,
            "message_count": row.number,
            "duration_days": (row.last - row.first).days,
            "updated_at": now,
        }
        for row in connection.execute(query)
    ]


def _replace_conversations(connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
    column = conversation_metrics.c.conversation_id
    connection.execute(delete(conversation_metrics).where(column.in_([row["conversation_id"] for row in rows])))
    if rows:
        connection.execute(insert(conversation_metrics), rows)
