from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

import pytest

from beseda.core.chat import ChatKey, ChatKind, Person
from beseda.core.clock import SystemClock
from beseda.core.errors import StorageError
from beseda.db.database import Database
from beseda.engine.conversations.repository import ConversationRepository
from beseda.engine.jobs.model import CRASHED, Job, JobLease, JobRequest, JobState, Progress
from beseda.engine.jobs.repository import JobRepository
from beseda.testing.clock import ManualClock

ANYA, BORYA, VERA = 7, 8, 9
WANTED = [("", "photo.enhance")]


class Bench:
    """A store of jobs, people who may have some, and a clock."""

    def __init__(self, database: Database) -> None:
        self.clock = ManualClock()
        self.store = JobRepository(database, self.clock)
        self.numbers = count(1)

    def lease(self, owner: str = "a") -> JobLease:
        return JobLease(owner, self.clock.now() + timedelta(seconds=30))

    async def add(self, person: int, *, slot: str = "photo", kind: str = "photo.enhance") -> int:
        payload = {"file_id": person, "scale": 2}
        job = await self.store.add(JobRequest(next(self.numbers), kind, payload, "media", person, person, slot))
        return job.id

    async def claim(self, owner: str = "a", slot: str = "photo") -> Job | None:
        return await self.store.claim(slot, WANTED, self.lease(owner))

    async def start(self, owner: str = "a") -> Job:
        job = await self.claim(owner)
        assert job is not None
        return job

    async def begin(self) -> Job:
        await self.add(ANYA)
        return await self.start("a")


@pytest.fixture
async def bench(database: Database) -> Bench:
    for person in (ANYA, BORYA, VERA):
        key = ChatKey("media", person)
        await ConversationRepository(database).open(key, ChatKind.PRIVATE, "", Person(person, "…"))
    return Bench(database)


async def test_job_comes_back_as_it_was_given(bench: Bench) -> None:
    request = JobRequest(2**62, "photo.enhance", {"a": [1, "ё"]}, "media", -(10**13), ANYA, "photo", 5)
    job = await bench.store.add(request)
    assert (job.request, job.state, job.attempt) == (request, JobState.QUEUED, 0)
    assert job == await bench.store.find(request.id)


async def test_same_id_is_one_job(bench: Bench) -> None:
    number = await bench.add(ANYA)
    await bench.start()
    again = await bench.store.add(JobRequest(number, "photo.enhance", {}, "media", BORYA, BORYA, "photo"))
    assert (again.request.user_id, again.state) == (ANYA, JobState.RUNNING)
    assert await bench.claim() is None


async def test_everybodys_first_job_stands_before_anybodys_second(bench: Bench) -> None:
    anya = [await bench.add(ANYA) for _ in range(3)]
    assert (await bench.start()).id == anya[0]
    borya = [await bench.add(BORYA), await bench.add(BORYA)]
    vera = await bench.add(VERA)
    line = [(await bench.start()).id for _ in range(5)]
    assert line == [borya[0], vera, anya[1], borya[1], anya[2]]


async def test_late_job_does_not_jump_ahead_of_waiting_ones(bench: Bench) -> None:
    anya = [await bench.add(ANYA) for _ in range(3)]
    for number in anya[:2]:
        job = await bench.start()
        assert job.id == number
        await bench.store.settle(replace(job, state=JobState.DONE, result={}), "a")
    borya = await bench.add(BORYA)
    assert [await bench.store.position(number) for number in (anya[2], borya)] == [0, 1]


async def test_position_counts_waiting_jobs_of_the_same_slot(bench: Bench) -> None:
    first, second, third = await bench.add(ANYA), await bench.add(ANYA), await bench.add(BORYA)
    await bench.add(VERA, slot="audio")
    assert [await bench.store.position(number) for number in (first, third, second, 99)] == [0, 1, 2, 0]
    await bench.start()
    assert await bench.store.position(first) == 0
    assert await bench.store.position(second) == 1


async def test_only_jobs_the_caller_can_run_are_claimed(bench: Bench) -> None:
    await bench.add(ANYA, kind="text.read")
    assert await bench.claim() is None
    assert await bench.store.claim("photo", [("other", "text.read")], bench.lease()) is None
    assert await bench.store.claim("photo", [("media", "text.read")], bench.lease()) is not None


async def test_two_owners_never_get_the_same_job(bench: Bench) -> None:
    await bench.add(ANYA)
    assert await bench.claim("a") is not None
    assert await bench.claim("b") is None


async def test_lost_job_is_claimed_by_another_and_costs_no_try(bench: Bench) -> None:
    await bench.add(ANYA)
    await bench.start("a")
    bench.clock.shift(31)
    job = await bench.start("b")
    assert (job.attempt, job.losses) == (1, 1)
    assert not await bench.store.settle(replace(job, state=JobState.DONE, result={}), "a")
    assert await bench.store.settle(replace(job, state=JobState.DONE, result={}), "b")


async def test_renewed_lease_is_kept(bench: Bench) -> None:
    job = await bench.begin()
    bench.clock.shift(20)
    assert await bench.store.renew([job.id, 99], bench.lease("a")) == {job.id}
    bench.clock.shift(20)
    assert await bench.claim("b") is None
    assert await bench.store.renew([job.id], bench.lease("b")) == set()


async def test_job_that_kills_its_process_is_given_up(bench: Bench) -> None:
    await bench.add(ANYA)
    for owner in "abc":
        assert (await bench.start(owner)).state is JobState.RUNNING
        bench.clock.shift(31)
    job = await bench.start("d")
    assert (job.state, job.reason) == (JobState.FAILED, CRASHED)
    assert await bench.claim("e") is None


async def test_dead_owners_jobs_are_free_immediately(bench: Bench) -> None:
    await bench.add(ANYA)
    await bench.start("dead")
    assert await bench.store.owners() == {"dead"}
    assert await bench.store.take_over(["dead"]) == 1
    assert (await bench.start("b")).losses == 1


async def test_retry_waits_until_it_is_due_and_keeps_its_place(bench: Bench) -> None:
    first, second = await bench.add(ANYA), await bench.add(BORYA)
    job = await bench.start()
    due = bench.clock.now() + timedelta(seconds=60)
    assert await bench.store.settle(replace(job, state=JobState.QUEUED, reason="UnavailableError", due_at=due), "a")
    assert (await bench.start()).id == second
    assert await bench.claim() is None
    bench.clock.shift(60)
    again = await bench.start()
    assert (again.id, again.attempt, again.reason) == (first, 2, "UnavailableError")


async def test_progress_and_result_are_kept(bench: Bench) -> None:
    job = await bench.begin()
    number = job.id
    await bench.store.progress(number, Progress(1.5, 4, "ухо"))
    seen = await bench.store.find(number)
    assert seen is not None
    assert seen.progress == Progress(1.5, 4, "ухо")
    await bench.store.settle(replace(job, state=JobState.DONE, result={"file": 2**60}), "a")
    done = await bench.store.find(number)
    assert done is not None
    assert (done.state, done.result, done.finished_at) == (JobState.DONE, {"file": 2**60}, bench.clock.now())


async def test_cancelling_a_queued_job_ends_it(bench: Bench) -> None:
    number = await bench.add(ANYA)
    job = await bench.store.cancel(number)
    assert job is not None
    assert job.state is JobState.CANCELLED
    assert await bench.claim() is None
    assert await bench.store.cancel(number) is None
    assert await bench.store.cancel(99) is None


async def test_cancelling_a_running_job_asks_its_owner(bench: Bench) -> None:
    job = await bench.begin()
    asked = await bench.store.cancel(job.id)
    assert asked is not None
    assert (asked.state, asked.cancelling) == (JobState.RUNNING, True)
    assert await bench.store.renew([job.id], bench.lease("a")) == set()
    bench.clock.shift(31)
    assert (await bench.start("b")).state is JobState.CANCELLED


async def test_stalled_worker_does_not_settle_the_job_of_another(bench: Bench) -> None:
    late = await bench.begin()
    bench.clock.shift(31)
    job = await bench.start("b")
    assert await bench.store.settle(replace(job, state=JobState.DONE, result={"by": "b"}), "b")
    assert not await bench.store.settle(replace(late, state=JobState.DONE, result={"by": "a"}), "a")
    done = await bench.store.find(job.id)
    assert done is not None
    assert done.result == {"by": "b"}


async def test_patient_worker_takes_nothing_from_others(bench: Bench) -> None:
    job = await bench.begin()
    bench.clock.shift(31)
    assert await bench.store.claim("photo", WANTED, replace(bench.lease("b"), patient=True)) is None
    assert await bench.store.renew([job.id], bench.lease("a")) == {job.id}
    waiting = await bench.add(BORYA)
    begun = await bench.store.claim("photo", WANTED, replace(bench.lease("b"), patient=True))
    assert begun is not None
    assert begun.id == waiting


class WrongClock(SystemClock):
    """The clock of a machine that is minutes ahead, or behind."""

    def __init__(self, minutes: float) -> None:
        self._ahead = timedelta(minutes=minutes)

    def now(self) -> datetime:
        return super().now() + self._ahead


@pytest.mark.parametrize("ahead", [2, -2])
async def test_clocks_of_two_machines_may_differ(
    bench: Bench, database: Database, database_url: str, ahead: float
) -> None:
    if not database_url.startswith("postgresql"):
        return  # nobody shares SQLite with another machine
    clocks = {"a": SystemClock(), "b": WrongClock(ahead)}
    stores = {name: JobRepository(database, clock, shared=True) for name, clock in clocks.items()}
    leases = {name: JobLease(name, clock.now() + timedelta(seconds=30)) for name, clock in clocks.items()}
    for one, other in (("a", "b"), ("b", "a")):
        number = await bench.add(ANYA)
        await stores[one].add(JobRequest(number + 1000, "photo.enhance", {}, "media", ANYA, ANYA, "other"))
        job = await stores[other].claim("other", WANTED, leases[other])
        assert job is not None  # at once, though it was asked for in two minutes
        assert await stores[one].claim("other", WANTED, leases[one]) is None
        retried = replace(job, state=JobState.QUEUED, due_at=clocks[other].now())
        assert await stores[other].settle(retried, other)
        again = await stores[one].claim("other", WANTED, leases[one])
        assert again is not None
        assert await stores[one].settle(replace(again, state=JobState.DONE, result={}), one)


async def test_settling_twice_is_the_same(bench: Bench) -> None:
    job = await bench.begin()
    done = replace(job, state=JobState.DONE, result={})
    assert [await bench.store.settle(done, "a"), await bench.store.settle(done, "a")] == [True, True]


async def test_old_jobs_are_purged_and_unfinished_stay(bench: Bench) -> None:
    await bench.store.cancel(await bench.add(ANYA))
    waiting = await bench.add(ANYA)
    bench.clock.shift(10)
    assert await bench.store.purge(bench.clock.now()) == 1
    assert await bench.store.find(waiting) is not None


async def test_unknown_person_is_refused_and_others_go_on(bench: Bench) -> None:
    with suppress(StorageError):
        await bench.store.add(JobRequest(1000, "photo.enhance", {}, "media", 404, 404, "photo"))
    assert await bench.store.find(1000) is None
    assert await bench.add(ANYA)
