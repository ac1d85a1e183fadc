"""Reports in the record, and lists for them: every row once, page by page."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import insert

from beseda.domain.analytics import HOUR, Period
from beseda.domain.report import NewReport, ReportFormat, ReportKind, ReportState
from beseda.storage.sql.database import Database
from beseda.storage.sql.report import SqlReportRepository
from beseda.storage.sql.tables.lead import leads
from beseda.testing.clock import ManualClock
from tests.contract.storage.test_analytics import WHOLE, lead
from tests.parts.figures import START, RandomRecord

NEW = NewReport(ReportKind.LEADS, ReportFormat.XLSX, replace(WHOLE, bot="sales"), "ru")


async def test_report_comes_back_as_it_was_asked_for(database: Database) -> None:
    store = SqlReportRepository(database, ManualClock(START))
    report = await store.add(NEW)
    assert await store.find(report.id) == report
    ready = replace(report, state=ReportState.READY, size=7, finished_at=START + HOUR)
    assert await store.update(ready)
    assert await store.find(report.id) == ready
    assert await store.delete(report.id)
    assert not await store.update(ready)
    assert not await store.delete(report.id)
    assert await store.find(report.id) is None


async def test_number_of_a_deleted_report_is_not_given_out_again(database: Database) -> None:
    store = SqlReportRepository(database)
    first = await store.add(NEW)
    await store.delete(first.id)
    assert (await store.add(NEW)).id > first.id


async def test_reports_come_newest_first_and_old_ones_are_found(database: Database) -> None:
    clock = ManualClock(START)
    store = SqlReportRepository(database, clock)
    made = []
    for _ in range(3):
        made.append(await store.add(NEW))
        clock.shift(60)
    assert [report.id for report in await store.page(limit=2)] == [made[2].id, made[1].id]
    assert [report.id for report in await store.page(limit=2, before=made[1].id)] == [made[0].id]
    assert await store.older_than(START + timedelta(seconds=60)) == made[:1]
    assert await store.count() == 3


async def test_leads_come_once_each_though_many_came_at_one_moment(database: Database) -> None:
    store = SqlReportRepository(database)
    await database.write(RandomRecord(1).write)
    rows = [lead(number, START + timedelta(seconds=number // 3)) for number in range(1, 10)]
    await database.write(lambda connection: connection.execute(insert(leads), rows))
    seen: list[int] = []
    after = None
    while page := await store.leads(Period(START, START + HOUR, "sales"), after=after, limit=2):
        seen += [row.id for row in page]
        after = (page[-1].created_at, page[-1].id)
    assert seen == list(range(1, 10))
    assert await store.leads(Period(START, START + HOUR, "assistant")) == []


async def test_conversations_and_costs_are_those_of_the_period(database: Database) -> None:
    store, record = SqlReportRepository(database), RandomRecord(2)
    await database.write(record.write)
    period = Period(START + HOUR, START + timedelta(hours=2, minutes=30))
    begun = [place["id"] for place in record.places if period.since <= place["created_at"] < period.until]
    assert sorted(row.id for row in await store.conversations(period)) == sorted(begun)
    figures, _, _ = record.count(period)
    costs = await store.costs(period)
    assert sum(row.calls for row in costs) == figures.model_calls
    assert sum(row.failures for row in costs) == figures.model_failures
    assert sum(row.prompt_tokens for row in costs) == figures.prompt_tokens
