"""Reports in SQL, and their rows: paged by key, so that a long report costs no memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, func, insert, literal, select, tuple_, union_all, update

from beseda.core.clock import Clock, SystemClock
from beseda.db.database import Database
from beseda.db.mapping import RowMapping
from beseda.db.types import UtcTime
from beseda.engine.conversations.tables import conversations, users
from beseda.engine.turns.tables import model_calls, turns
from beseda.features.analytics.measure import floor_day, is_turn_within, is_within, of_bot
from beseda.features.analytics.model import Period
from beseda.features.analytics.tables import conversation_metrics
from beseda.features.leads.tables import lead_slots, leads
from beseda.features.reports.model import (
    ConversationRow,
    CostRow,
    LeadRow,
    NewReport,
    Report,
    ReportState,
)
from beseda.features.reports.tables import reports

Place = tuple[datetime, int]

_REPORTS = RowMapping(Report, reports)
_LEAD = tuple(name for name in LeadRow.__dataclass_fields__ if name != "slots")


class ReportRepository:
    """Reports in SQL. Every method raises StorageError if the database rejects the work or is unavailable."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()

    async def add(self, new: NewReport) -> Report:
        """Store a report that is to be built."""
        report = Report(0, new, ReportState.QUEUED, self._clock.now())
        statement = insert(reports).values(_REPORTS.values(report, without={"id"})).returning(reports.c.id)
        number = await self._database.write(lambda connection: connection.execute(statement).scalar_one())
        return replace(report, id=number)

    async def find(self, report_id: int) -> Report | None:
        """Return a report, or None."""
        found = await self._read(select(*_REPORTS.columns).where(reports.c.id == report_id))
        return found[0] if found else None

    async def page(self, *, limit: int, offset: int = 0, before: int | None = None) -> list[Report]:
        """Return reports, newest first; with `before`, those with a lower number."""
        query = select(*_REPORTS.columns).order_by(reports.c.id.desc()).limit(limit).offset(offset)
        return await self._read(query if before is None else query.where(reports.c.id < before))

    async def count(self) -> int:
        """Return the number of reports."""
        query = select(func.count()).select_from(reports)
        return int(await self._database.read_long(lambda connection: connection.execute(query).scalar_one()))

    async def update(self, report: Report) -> bool:
        """Store state, reason, size and end of a report. Return False if the report no longer exists."""
        values = _REPORTS.values(report, without={"id", "created_at"})
        change = update(reports).where(reports.c.id == report.id).values(values)
        return await self._database.write(lambda connection: connection.execute(change).rowcount > 0)

    async def delete(self, report_id: int) -> bool:
        """Delete a report. Return False if it does not exist."""
        change = delete(reports).where(reports.c.id == report_id)
        return await self._database.write(lambda connection: connection.execute(change).rowcount > 0)

    async def older_than(self, moment: datetime, *, unfinished: bool = False, limit: int = 500) -> list[Report]:
        """Return reports requested before then, in order; with `unfinished` only those that are not finished."""
        query = select(*_REPORTS.columns).where(reports.c.created_at < moment).order_by(reports.c.id).limit(limit)
        return await self._read(query.where(reports.c.finished_at.is_(None)) if unfinished else query)

    async def leads(self, period: Period, *, after: Place | None = None, limit: int = 500) -> Sequence[LeadRow]:
        """Return leads created in the period, starting behind `after`."""
        query = select(*(leads.c[name] for name in _LEAD)).where(leads.c.merged_into.is_(None))
        query = _page(query.where(*of_bot(leads.c.bot, period)), leads.c, period, after).limit(limit)

        def work(connection: Connection) -> list[LeadRow]:
            rows = connection.execute(query).all()
            found = _read_slots(connection, [row.id for row in rows])
            return [replace(LeadRow(*row), slots=found.get(row.id, {})) for row in rows]

        return await self._database.read_long(work)

    async def conversations(
        self, period: Period, *, after: Place | None = None, limit: int = 500
    ) -> Sequence[ConversationRow]:
        """Return conversations that began in the period, starting behind `after`."""
        talk, known = conversations.c, conversation_metrics.c
        query = (
            select(
                *(talk.id, talk.bot, talk.created_at, talk.kind, talk.title, talk.user_id),
                *(users.c.name, users.c.username, known.message_count, known.duration_days),
            )
            .join(users, users.c.id == talk.user_id)
            .outerjoin(conversation_metrics, known.conversation_id == talk.id)
            .where(*of_bot(talk.bot, period))
        )
        query = _page(query, talk, period, after).limit(limit)
        rows = await self._database.read_long(lambda connection: connection.execute(query).all())
        return [ConversationRow(*row) for row in rows]

    async def costs(self, day: Period) -> Sequence[CostRow]:
        """Return the usage and cost of models in a period that lies within one day."""
        calls = union_all(_answering_calls(day), _other_calls(day)).subquery()
        call = calls.c
        query = (
            select(
                *(call.bot, call.endpoint, call.model),
                func.count(),
                func.count().filter(call.error != ""),
                func.sum(call.prompt_tokens),
                func.sum(call.completion_tokens),
                func.coalesce(func.sum(call.cost), 0.0),
            )
            .group_by(call.bot, call.endpoint, call.model)
            .order_by(call.bot, call.endpoint, call.model)
        )
        at = floor_day(day.since)
        rows = await self._database.read_long(lambda connection: connection.execute(query).all())
        return [
            CostRow(at, bot, endpoint, model, calls, failures, int(prompt), int(completion), float(cost))
            for bot, endpoint, model, calls, failures, prompt, completion, cost in rows
        ]

    async def _read(self, query: Select[Any]) -> list[Report]:
        rows = await self._database.read_long(lambda connection: connection.execute(query).all())
        return _REPORTS.load_all(rows)


def _read_slots(connection: Connection, numbers: Sequence[int]) -> dict[int, dict[str, str]]:
    """Return the fields of leads by lead and name, each with its quote if that contains more than the value."""
    slot = lead_slots.c
    query = select(slot.lead_id, slot.name, slot.value, slot.quote).where(slot.lead_id.in_(numbers))
    found: dict[int, dict[str, str]] = {}
    for row in connection.execute(query):
        says_more = row.quote and row.quote != row.value
        found.setdefault(row.lead_id, {})[row.name] = f"{row.value} («{row.quote}»)" if says_more else row.value
    return found


_call = model_calls.c
_SPENT = (_call.endpoint, _call.model, _call.error, _call.prompt_tokens, _call.completion_tokens, _call.cost)


def _answering_calls(day: Period) -> Select[Any]:
    return (
        select(conversations.c.bot, *_SPENT)
        .select_from(turns)
        .join(conversations, conversations.c.id == turns.c.conversation_id)
        .join(model_calls, _call.turn_id == turns.c.id)
        .where(is_turn_within(day), is_turn_within(day, key=_call.turn_id), *of_bot(conversations.c.bot, day))
    )


def _other_calls(day: Period) -> Select[Any]:
    """Return the query for model calls made outside chat turns."""
    return select(_call.bot, *_SPENT).where(
        _call.turn_id.is_(None), is_within(_call.created_at, day), *of_bot(_call.bot, day)
    )


def _page(query: Select[Any], columns: Any, period: Period, after: Place | None) -> Select[Any]:
    query = query.where(is_within(columns.created_at, period)).order_by(columns.created_at, columns.id)
    if after is None:
        return query
    # Both: the row comparison finds the place in the index, the plain one lets SQLite begin there, too.
    place = tuple_(literal(after[0], UtcTime), literal(after[1]))
    return query.where(columns.created_at >= after[0], tuple_(columns.created_at, columns.id) > place)
