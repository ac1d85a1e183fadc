from datetime import UTC, datetime, time, timedelta

import pytest

from beseda.db.database import Database
from beseda.engine.jobs.inline import InlineJobs
from beseda.engine.jobs.model import Job, JobLease, JobState
from beseda.engine.jobs.repository import JobRepository
from beseda.engine.jobs.schedule import Scheduled, Scheduler
from beseda.testing.clock import ManualClock

NIGHTLY = Scheduled("test.nightly", every=timedelta(days=1), slot="light", at=time(3))
QUARTERLY = Scheduled("test.quarterly", every=timedelta(minutes=15), slot="light", payload={"deep": True})
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Office:
    """A table of jobs that nobody works on but the test, and schedulers that ask for some."""

    def __init__(self, database: Database) -> None:
        self.clock = ManualClock(NOON)
        self.store = JobRepository(database, self.clock)

    def hire(self, *entries: Scheduled, behind: timedelta = timedelta()) -> Scheduler:
        """Return a scheduler; one that is `behind` has a clock of its own."""
        clock = ManualClock(self.clock.now() - behind) if behind else self.clock
        queue = InlineJobs(self.store, {}, {"light": 1}, clock)
        return Scheduler(queue, entries or (NIGHTLY,), clock)

    async def finish(self, number: int) -> None:
        """Do the jobs that wait."""
        for _ in range(number):
            lease = JobLease("a", self.clock.now() + timedelta(seconds=30))
            job = await self.store.claim("light", [("", NIGHTLY.kind), ("", QUARTERLY.kind)], lease)
            assert job is not None
            await self.store.settle(Job(job.request, JobState.DONE, job.created_at, job.due_at, result={}), "a")


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database)


async def test_period_is_asked_for_once_by_several(office: Office) -> None:
    asked = [job for _ in range(3) for job in await office.hire(NIGHTLY, QUARTERLY).look()]
    assert len(asked) == 6
    assert len({job.id for job in asked}) == 2
    await office.finish(2)
    again = await office.hire().look()
    assert [job.state for job in again] == [JobState.DONE]


async def test_job_reports_its_period_and_its_input(office: Office) -> None:
    [job] = await office.hire(QUARTERLY).look()
    assert (job.request.payload, job.request.slot, job.request.bot, job.request.user_id) == (
        {"deep": True, "period": "2026-11-20T12:00:00+00:00"},
        "light",
        "",
        None,
    )


async def test_next_period_is_asked_for_when_it_begins(office: Office) -> None:
    scheduler = office.hire(NIGHTLY)
    [first] = await scheduler.look()
    assert first.request.payload["period"] == "2026-11-20T03:00:00+00:00"
    await office.finish(1)
    assert await scheduler.look() == []
    office.clock.shift(16 * 3600)
    [second] = await scheduler.look()
    assert second.request.payload["period"] == "2026-11-21T03:00:00+00:00"


async def test_of_missed_nights_the_last_one_is_made_up_for(office: Office) -> None:
    await office.hire().look()
    await office.finish(1)
    office.clock.shift(4 * 24 * 3600)
    [late] = await office.hire().look()
    assert late.request.payload["period"] == "2026-11-24T03:00:00+00:00"
    await office.finish(1)
    assert [job.id for job in await office.hire().look()] == [late.id]


async def test_clock_that_is_late_makes_no_second_job(office: Office) -> None:
    [job] = await office.hire(QUARTERLY).look()
    [before] = await office.hire(QUARTERLY, behind=timedelta(seconds=20)).look()
    await office.finish(2)
    [after] = await office.hire(QUARTERLY).look()
    assert (job.id == after.id, before.id == job.id) == (True, False)
    assert after.state is JobState.DONE


async def test_jobs_without_a_worker_do_not_pile_up(office: Office) -> None:
    scheduler = office.hire(QUARTERLY)
    [first] = await scheduler.look()
    office.clock.shift(3600)
    assert await scheduler.look() == []
    await office.finish(1)
    [job] = await scheduler.look()
    assert job.id != first.id
    assert job.request.payload["period"] == "2026-11-20T13:00:00+00:00"


@pytest.mark.parametrize(
    ("every", "at"),
    [(timedelta(days=8), None), (timedelta(milliseconds=1), None), (timedelta(hours=5), time(3)), (timedelta(0), None)],
)
def test_period_that_makes_no_sense_is_refused(every: timedelta, at: time | None) -> None:
    with pytest.raises(ValueError, match=r"test\.odd"):
        Scheduled("test.odd", every=every, at=at)
