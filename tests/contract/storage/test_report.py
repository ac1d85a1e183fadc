"""Reports in the record, and lists for them: every row once, page by page."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from sqlalchemy import insert

from beseda.db.database import Database
from beseda.engine.jobs.model import Job, JobRequest, JobState
from beseda.features.analytics.model import HOUR, Period
from beseda.features.analytics.repository import AnalyticsRepository
from beseda.features.analytics.service import AnalyticsService
from beseda.features.leads.tables import leads
from beseda.features.reports import ReportService
from beseda.features.reports.gather import Gatherer
from beseda.features.reports.model import NewReport, ReportFormat, ReportKind, ReportState
from beseda.features.reports.repository import ReportRepository
from beseda.testing.clock import ManualClock
from tests.contract.storage.test_analytics import WHOLE, lead
from tests.parts.figures import START, RandomRecord

if TYPE_CHECKING:
    from beseda.engine.jobs.base import JobQueue

NEW = NewReport(ReportKind.LEADS, ReportFormat.XLSX, replace(WHOLE, bot="sales"), "ru")


async def test_report_comes_back_as_it_was_asked_for(database: Database) -> None:
    store = ReportRepository(database, ManualClock(START))
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
    store = ReportRepository(database)
    first = await store.add(NEW)
    await store.delete(first.id)
    assert (await store.add(NEW)).id > first.id


async def test_reports_come_newest_first_and_old_ones_are_found(database: Database) -> None:
    clock = ManualClock(START)
    store = ReportRepository(database, clock)
    made = []
    for _ in range(3):
        made.append(await store.add(NEW))
        clock.shift(60)
    assert [report.id for report in await store.page(limit=2)] == [made[2].id, made[1].id]
    assert [report.id for report in await store.page(limit=2, before=made[1].id)] == [made[0].id]
    assert await store.older_than(START + timedelta(seconds=60)) == made[:1]
    assert await store.count() == 3


async def test_leads_come_once_each_though_many_came_at_one_moment(database: Database) -> None:
    store = ReportRepository(database)
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
    store, record = ReportRepository(database), RandomRecord(2)
    await database.write(record.write)
    period = Period(START + HOUR, START + timedelta(hours=2, minutes=30))
    begun = [place["id"] for place in record.places if period.since <= place["created_at"] < period.until]
    assert sorted(row.id for row in await store.conversations(period)) == sorted(begun)
    figures, _, _ = record.count(period)
    costs = await store.costs(period)
    assert sum(row.calls for row in costs) == figures.model_calls
    assert sum(row.failures for row in costs) == figures.model_failures
    assert sum(row.prompt_tokens for row in costs) == figures.prompt_tokens


class NoQueue:
    """A queue that nobody works off."""

    def __init__(self) -> None:
        self.asked: list[JobRequest] = []

    async def enqueue(self, request: JobRequest) -> Job:
        self.asked.append(request)
        return Job(request, JobState.QUEUED, START, START)

    async def cancel(self, job_id: int) -> bool:
        return bool(job_id)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START + timedelta(hours=50))


@pytest.fixture
def service(database: Database, clock: ManualClock, tmp_path: Path) -> ReportService:
    store = ReportRepository(database, clock)
    gatherer = Gatherer(store, AnalyticsService(AnalyticsRepository(database, clock), clock), clock)
    return ReportService(store, gatherer, cast("JobQueue", NoQueue()), tmp_path / "reports", clock)


async def test_report_is_kept_for_thirty_days(service: ReportService, clock: ManualClock, tmp_path: Path) -> None:
    made = await service.create(NEW)
    built = await service.build(made.id)
    assert built is not None
    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "reports").iterdir()] == [0o600]
    clock.shift(30 * 86400 - 1)
    assert await service.tidy() == 0
    clock.shift(2)
    assert await service.tidy() == 1
    assert list((tmp_path / "reports").iterdir()) == []
    assert await service.count() == 0


async def test_report_without_a_builder_is_given_up(service: ReportService, clock: ManualClock) -> None:
    made = await service.create(NEW)
    clock.shift(86401)
    await service.tidy()
    found = await service.find(made.id)
    assert (found.state, found.reason) == (ReportState.FAILED, "abandoned")


async def test_report_without_a_builder_is_given_up_behind_many_that_are_ready(
    service: ReportService, database: Database, clock: ManualClock
) -> None:
    store = ReportRepository(database, clock)
    for _ in range(500):
        await store.update(replace(await store.add(NEW), state=ReportState.READY, finished_at=clock.now()))
    made = await service.create(NEW)
    clock.shift(86401)
    await service.tidy()
    assert (await service.find(made.id)).state is ReportState.FAILED


async def test_report_deleted_before_it_is_built_makes_no_file(service: ReportService, tmp_path: Path) -> None:
    made = await service.create(NEW)
    await service.delete(made.id)
    assert await service.build(made.id) is None
    assert not (tmp_path / "reports").exists()


async def test_report_built_twice_is_one_file(service: ReportService, tmp_path: Path) -> None:
    made = await service.create(replace(NEW, format=ReportFormat.CSV))
    first, second = await service.build(made.id), await service.build(made.id)
    assert first is not None
    assert second is not None
    assert first.size == second.size
    assert [path.name for path in (tmp_path / "reports").iterdir()] == [f"{made.id}.csv"]


async def test_report_that_cannot_be_written_has_failed(service: ReportService, tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("a file where the folder should be")
    made = await service.create(NEW)
    with pytest.raises(OSError, match="File exists"):
        await service.build(made.id)
    found = await service.find(made.id)
    assert (found.state, found.reason) == (ReportState.FAILED, "FileExistsError")
