"""Gathers the content of each kind of report from figures and lists in the database."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TypeVar

from beseda.core.clock import Clock
from beseda.features.analytics.model import DAY, WEEK, Metric, Metrics, Period, Point, SeriesStep
from beseda.features.analytics.service import AnalyticsService
from beseda.features.reports.content import (
    Cell,
    CellKind,
    Chart,
    ChartKind,
    ChartLine,
    Column,
    ReportContent,
    Rows,
    Sheet,
    Tile,
)
from beseda.features.reports.model import ConversationRow, CostRow, LeadRow, NewReport, ReportKind
from beseda.features.reports.repository import Place, ReportRepository
from beseda.locales import Text

T = TypeVar("T", LeadRow, ConversationRow)

# Above that many days a chart has a bar for a week.
_DAYS_SHOWN = 120
_RANKS = 12
_PIECE = 500

_DAY, _WEEK = Text("reports.day"), Text("reports.week")
_CONVERSATIONS = Text("reports.conversations")
_MESSAGES = Text("reports.messages")
_ANSWERS = Text("reports.answers")
_FAILURES = Text("reports.failures")
_USERS = Text("reports.users")
_P50 = Text("reports.p50")
_P95 = Text("reports.p95")
_TOKENS = Text("reports.tokens")
_COST = Text("reports.cost")
_FLOODS = Text("reports.floods")
_LEADS = Text("reports.leads")
_WON = Text("reports.won")
_CONVERSION = Text("reports.conversion")
_BOT = Text("reports.bot")
_STATUS = Text("reports.status")
_STAGE = Text("reports.stage")
_NUMBER = Text("reports.number")
_CREATED = Text("reports.created")

_DAILY: Sequence[tuple[Text, Metric, CellKind]] = (
    (_CONVERSATIONS, Metric.CONVERSATIONS, CellKind.COUNT),
    (_MESSAGES, Metric.MESSAGES, CellKind.COUNT),
    (_ANSWERS, Metric.ANSWERS, CellKind.COUNT),
    (_FAILURES, Metric.FAILURES, CellKind.COUNT),
    (_USERS, Metric.ACTIVE_USERS, CellKind.COUNT),
    (_P50, Metric.RESPONSE_P50, CellKind.SECONDS),
    (_P95, Metric.RESPONSE_P95, CellKind.SECONDS),
    (_LEADS, Metric.LEADS, CellKind.COUNT),
    (_WON, Metric.LEADS_WON, CellKind.COUNT),
    (_TOKENS, Metric.TOKENS, CellKind.COUNT),
    (_COST, Metric.COST, CellKind.MONEY),
    (_FLOODS, Metric.FLOOD_WAITS, CellKind.COUNT),
)


@dataclass(frozen=True, slots=True)
class _Plot:
    """The values of some metrics over the period, by day or by week."""

    step: SeriesStep
    moments: Sequence[datetime]
    values: dict[Metric, Sequence[float | None]]

    def draw(self, title: Text, kind: ChartKind, unit: CellKind, *lines: tuple[Text, Metric]) -> Chart:
        """Return a chart of some of the metrics."""
        labels = [f"{at:%Y-%m-%d}" for at in self.moments]
        return Chart(title, kind, labels, [ChartLine(name, self.values[metric]) for name, metric in lines], unit)


class Gatherer:
    """Gathers the content of reports."""

    def __init__(self, store: ReportRepository, analytics: AnalyticsService, clock: Clock) -> None:
        self._store = store
        self._analytics = analytics
        self._clock = clock
        self._titles: dict[str, Text] = {}

    def adopt(self, titles: Mapping[str, Text]) -> None:
        """Add the titles of the fields in bots' funnels. Each is a column of the report about leads."""
        self._titles |= titles

    async def gather(self, new: NewReport) -> ReportContent:
        """Return the content of a report: figures at once, lists as they are read. Raises StorageError."""
        builders: Mapping[ReportKind, Callable[[Period, Metrics], Awaitable[ReportContent]]] = {
            ReportKind.OVERVIEW: self._overview,
            ReportKind.LEADS: partial(self._leads, language=new.language),
            ReportKind.CONVERSATIONS: partial(self._conversations, language=new.language),
            ReportKind.COSTS: self._costs,
        }
        return await builders[new.kind](new.period, await self._analytics.metrics(new.period))

    async def _overview(self, period: Period, found: Metrics) -> ReportContent:
        plot = await self._plot(period, [metric for _, metric, _ in _DAILY])
        head = Column(_DAY if plot.step is SeriesStep.DAY else _WEEK, CellKind.DAY, 12)
        columns = [head, *(Column(title, kind, 14) for title, _, kind in _DAILY)]
        rows = [
            [at, *(plot.values[metric][number] for _, metric, _ in _DAILY)] for number, at in enumerate(plot.moments)
        ]
        charts = [
            plot.draw(_MESSAGES, ChartKind.BARS, CellKind.COUNT, (_MESSAGES, Metric.MESSAGES)),
            plot.draw(_USERS, ChartKind.LINES, CellKind.COUNT, (_USERS, Metric.ACTIVE_USERS)),
            plot.draw(
                Text("reports.response_time"),
                *(ChartKind.LINES, CellKind.SECONDS),
                *((_P50, Metric.RESPONSE_P50), (_P95, Metric.RESPONSE_P95)),
            ),
            plot.draw(
                _LEADS, ChartKind.BARS, CellKind.COUNT, (Text("reports.came"), Metric.LEADS), (_WON, Metric.LEADS_WON)
            ),
            plot.draw(_FAILURES, ChartKind.BARS, CellKind.COUNT, (_FAILURES, Metric.FAILURES)),
            _rank_stages(found),
        ]
        figures = found.figures
        tiles = [
            Tile(_CONVERSATIONS, figures.conversations),
            Tile(_MESSAGES, figures.messages),
            Tile(_USERS, found.active_users),
            Tile(_P50, found.response_p50, CellKind.SECONDS),
            Tile(_P95, found.response_p95, CellKind.SECONDS),
            Tile(_FAILURES, figures.failures),
            *_lead_tiles(found),
            Tile(_TOKENS, figures.tokens),
            Tile(_COST, figures.cost, CellKind.MONEY),
        ]
        sheet = Sheet(
            Text("reports.by_day") if plot.step is SeriesStep.DAY else Text("reports.by_week"),
            columns,
            partial(_give, rows),
        )
        return ReportContent(Text("reports.overview"), tiles, charts, [sheet])

    async def _leads(self, period: Period, found: Metrics, *, language: str) -> ReportContent:
        plot = await self._plot(period, [Metric.LEADS, Metric.LEADS_WON])
        columns = [
            Column(_NUMBER, CellKind.NUMBER, 8),
            Column(_CREATED, CellKind.MOMENT, 18),
            Column(Text("reports.changed"), CellKind.MOMENT, 18),
            Column(_BOT, width=14),
            Column(Text("reports.name"), width=24),
            Column(Text("reports.contact"), width=24),
            Column(Text("reports.phone"), width=18),
            Column(Text("reports.mail"), width=26),
            Column(Text("reports.source"), width=12),
            Column(_STATUS, width=10),
            Column(_STAGE, width=16),
            Column(Text("reports.owner"), width=16),
            Column(Text("reports.fit_score"), CellKind.COUNT, 9),
            Column(Text("reports.notes"), width=40),
            Column(Text("reports.telegram"), width=14),
            *(Column(title, width=24) for title in self._titles.values()),
            Column(Text("reports.other_fields"), width=40),
        ]
        charts = [
            plot.draw(
                Text("reports.leads_by_arrival"),
                *(ChartKind.BARS, CellKind.COUNT),
                *((Text("reports.came"), Metric.LEADS), (_WON, Metric.LEADS_WON)),
            ),
            _rank_stages(found),
            _rank(
                Text("reports.status_now"),
                {_name_status(status, language): count for status, count in found.leads.by_status.items()},
            ),
        ]
        write = partial(_write_lead, titles=tuple(self._titles), language=language)
        sheet = Sheet(_LEADS, columns, lambda: _read_on(partial(self._store.leads, period), write))
        return ReportContent(_LEADS, _lead_tiles(found), charts, [sheet])

    async def _conversations(self, period: Period, found: Metrics, *, language: str) -> ReportContent:
        metrics = [Metric.CONVERSATIONS, Metric.MESSAGES, Metric.ACTIVE_USERS]
        plot = await self._plot(period, metrics)
        columns = [
            Column(_NUMBER, CellKind.NUMBER, 8),
            Column(Text("reports.begun"), CellKind.MOMENT, 18),
            Column(_BOT, width=14),
            Column(Text("reports.chat"), width=11),
            Column(Text("reports.title"), width=24),
            Column(Text("reports.name"), width=24),
            Column(Text("reports.username"), width=20),
            Column(Text("reports.telegram"), width=14),
            Column(_MESSAGES, CellKind.COUNT, 12),
            Column(Text("reports.days"), CellKind.COUNT, 8),
        ]
        charts = [
            plot.draw(_CONVERSATIONS, ChartKind.BARS, CellKind.COUNT, (_CONVERSATIONS, Metric.CONVERSATIONS)),
            plot.draw(_MESSAGES, ChartKind.BARS, CellKind.COUNT, (_MESSAGES, Metric.MESSAGES)),
            plot.draw(_USERS, ChartKind.LINES, CellKind.COUNT, (_USERS, Metric.ACTIVE_USERS)),
        ]
        tiles = [
            Tile(_CONVERSATIONS, found.figures.conversations),
            Tile(_MESSAGES, found.figures.messages),
            Tile(_USERS, found.active_users),
            Tile(_FAILURES, found.figures.failures),
        ]
        title = Text("reports.conversations_title")
        read = partial(self._store.conversations, period)
        write = partial(_write_conversation, language=language)
        return ReportContent(title, tiles, charts, [Sheet(title, columns, lambda: _read_on(read, write))])

    async def _costs(self, period: Period, found: Metrics) -> ReportContent:
        plot = await self._plot(period, [Metric.COST, Metric.TOKENS, Metric.MODEL_CALLS, Metric.MODEL_FAILURES])
        days = [day async for day in self._read_costs(period)]
        by_model: dict[str, float] = {}
        for row in (row for rows in days for row in rows):
            name = f"{row.endpoint}:{row.model}"
            by_model[name] = by_model.get(name, 0) + row.prompt_tokens + row.completion_tokens
        columns = [
            Column(_DAY, CellKind.DAY, 12),
            Column(_BOT, width=14),
            Column(Text("reports.endpoint"), width=16),
            Column(Text("reports.model"), width=32),
            Column(Text("reports.calls"), CellKind.COUNT, 10),
            Column(Text("reports.model_failures"), CellKind.COUNT, 10),
            Column(Text("reports.tokens_read"), CellKind.COUNT, 16),
            Column(Text("reports.tokens_written"), CellKind.COUNT, 16),
            Column(_COST, CellKind.MONEY, 12),
        ]
        rows = [_write_cost(row) for rows in days for row in rows]
        charts = [
            plot.draw(_COST, ChartKind.BARS, CellKind.MONEY, (_COST, Metric.COST)),
            plot.draw(_TOKENS, ChartKind.BARS, CellKind.COUNT, (_TOKENS, Metric.TOKENS)),
            plot.draw(
                Text("reports.calls_of_models"),
                *(ChartKind.BARS, CellKind.COUNT),
                *((Text("reports.all"), Metric.MODEL_CALLS), (Text("reports.failed"), Metric.MODEL_FAILURES)),
            ),
            _rank(Text("reports.tokens_by_model"), by_model),
        ]
        figures = found.figures
        tiles = [
            Tile(_COST, figures.cost, CellKind.MONEY),
            Tile(_TOKENS, figures.tokens),
            Tile(Text("reports.calls"), figures.model_calls),
            Tile(Text("reports.model_failures"), figures.model_failures),
            Tile(
                Text("reports.cost_of_an_answer"),
                figures.cost / figures.answers if figures.answers else None,
                CellKind.MONEY,
            ),
        ]
        title = Text("reports.costs")
        return ReportContent(title, tiles, charts, [Sheet(title, columns, partial(_give, rows))])

    async def _read_costs(self, period: Period) -> AsyncIterator[Sequence[CostRow]]:
        period = self._cut(period)
        start = period.since
        while start < period.until:
            end = min(SeriesStep.DAY.floor(start) + DAY, period.until)
            yield await self._store.costs(Period(start, end, period.bot))
            start = end

    def _cut(self, period: Period) -> Period:
        """Cut off future weeks of a long period, because they contain no data."""
        now = self._clock.now()
        return replace(period, until=min(period.until, SeriesStep.WEEK.floor(max(now, period.since)) + WEEK))

    async def _plot(self, period: Period, metrics: Sequence[Metric]) -> _Plot:
        period = self._cut(period)
        step = SeriesStep.DAY if (period.until - period.since) / DAY <= _DAYS_SHOWN else SeriesStep.WEEK
        found: dict[Metric, Sequence[Point]] = {}
        for metric in metrics:
            found[metric] = await self._analytics.series(period, metric, step)
        return _Plot(
            step,
            [point.at for point in next(iter(found.values()))],
            {metric: [point.value for point in series] for metric, series in found.items()},
        )


def _lead_tiles(found: Metrics) -> list[Tile]:
    return [
        Tile(_LEADS, found.leads.total),
        Tile(_WON, found.leads.won),
        Tile(_CONVERSION, found.leads.conversion, CellKind.PERCENT),
    ]


def _rank_stages(found: Metrics) -> Chart:
    return _rank(Text("reports.stage_now"), found.leads.by_stage)


def _rank(title: Text, counts: Mapping[str, float]) -> Chart:
    """Return a chart of counts by name, largest first."""
    names = sorted(counts, key=lambda name: -counts[name])[:_RANKS]
    values = [counts[name] for name in names]
    return Chart(title, ChartKind.RANKS, [name or "—" for name in names], [ChartLine(title, values)])


async def _give(rows: Rows) -> AsyncIterator[Rows]:
    for start in range(0, len(rows), _PIECE):
        yield rows[start : start + _PIECE]


async def _read_on(
    read: Callable[..., Awaitable[Sequence[T]]], write: Callable[[T], Sequence[Cell]]
) -> AsyncIterator[Rows]:
    """Yield lines page by page; no more than one page is in memory."""
    after: Place | None = None
    while page := await read(after=after, limit=_PIECE):
        yield [write(row) for row in page]
        after = (page[-1].created_at, page[-1].id)


def _name_status(status: str, language: str) -> str:
    return Text(f"reports.status_{status}").say(language)


def _write_lead(row: LeadRow, titles: Sequence[str], language: str) -> Sequence[Cell]:
    person = (row.name, row.contact, row.phone, row.email, row.source)
    sale = (_name_status(row.status, language), row.stage, row.owner, row.fit_score, row.notes)
    user = "" if row.user_id is None else str(row.user_id)
    other = "; ".join(f"{name}: {said}" for name, said in sorted(row.slots.items()) if name not in titles)
    known = [row.slots.get(name, "") for name in titles]
    return (row.id, row.created_at, row.updated_at, row.bot, *person, *sale, user, *known, other)


def _write_conversation(row: ConversationRow, language: str) -> Sequence[Cell]:
    username = f"@{row.username}" if row.username else ""
    person = (row.user_name, username, str(row.user_id))
    return (
        row.id,
        row.created_at,
        row.bot,
        Text(f"reports.kind_{row.kind}").say(language),
        row.title,
        *person,
        row.messages,
        row.days,
    )


def _write_cost(row: CostRow) -> Sequence[Cell]:
    tokens = (row.prompt_tokens, row.completion_tokens)
    return (row.day, row.bot, row.endpoint, row.model, row.calls, row.failures, *tokens, row.cost)
