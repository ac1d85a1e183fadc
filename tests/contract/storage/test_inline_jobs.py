"""The queue of this process over both databases: order, retries, cancellation, and what a killed process leaves."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from beseda.core import subprocesses
from beseda.core.backoff import Backoff
from beseda.core.chat import ChatKey, ChatKind, Person
from beseda.core.clock import SystemClock
from beseda.core.errors import InputError, NotFoundError, QuotaExceededError, UnavailableError
from beseda.db.database import Database
from beseda.engine.conversations.repository import ConversationRepository
from beseda.engine.jobs.base import JobControl
from beseda.engine.jobs.inline import InlineJobs, Timing
from beseda.engine.jobs.model import Job, JobRequest, JobState
from beseda.engine.jobs.repository import JobRepository
from tests.parts.waiting import eventually

ROOT = Path(__file__).parents[3]
PERSON = 7
QUICK = Timing(lease=5, beat=0.02, report=0.02, retry=Backoff(first=0.01, cap=0.01))


@dataclass
class Shop:
    """A queue whose one handler does what a test says: raises, waits, or is done."""

    queue: InlineJobs
    begun: list[int] = field(default_factory=list)
    told: list[Job] = field(default_factory=list)
    orders: dict[int, list[object]] = field(default_factory=dict)
    numbers: "count[int]" = field(default_factory=lambda: count(1))
    running: int = 0
    most: int = 0

    async def work(self, job: Job, control: JobControl) -> Mapping[str, object]:
        self.begun.append(job.id)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            order = self.orders[job.id].pop(0) if self.orders.get(job.id) else None
            if isinstance(order, Exception):
                raise order
            if isinstance(order, asyncio.Event):
                control.report(1, 4, "waiting")
                await order.wait()
            if isinstance(order, tuple):
                await subprocesses.run(order, timeout=60)
            await asyncio.sleep(0)
            return {"attempt": job.attempt, "order": order if isinstance(order, str) else None}
        finally:
            self.running -= 1

    async def enqueue(self, *orders: object, slot: str = "heavy", attempts: int = 3) -> int:
        number = next(self.numbers)
        self.orders[number] = list(orders)
        request = JobRequest(number, "test.run", {}, "media", PERSON, PERSON, slot, attempts)
        return (await self.queue.enqueue(request)).id

    async def end_of(self, number: int) -> Job:
        return await asyncio.wait_for(self.queue.wait(number), 60)

    async def has_begun(self, number: int) -> None:
        async def look() -> bool:
            return number in self.begun

        await eventually(look)


@pytest.fixture
async def people(database: Database) -> None:
    person = Person(PERSON, "Аня")
    await ConversationRepository(database).open(ChatKey("media", PERSON), ChatKind.PRIVATE, "", person)


@asynccontextmanager
async def open_shop(database: Database, timing: Timing = QUICK, **slots: int) -> AsyncIterator[Shop]:
    queue = InlineJobs(JobRepository(database), {}, slots or {"heavy": 1}, SystemClock(), timing)
    shop = Shop(queue)

    async def hear(job: Job) -> None:
        shop.told.append(job)

    queue.register("test.run", shop.work)
    queue.listen("media", hear)
    await queue.start()
    try:
        yield shop
    finally:
        await queue.close()


pytestmark = pytest.mark.usefixtures("people")


async def test_job_runs_and_its_bot_is_notified(database: Database) -> None:
    async with open_shop(database) as shop:
        done = await shop.end_of(await shop.enqueue())
        assert (done.state, done.result) == (JobState.DONE, {"attempt": 1, "order": None})

        async def told() -> bool:
            return bool(shop.told) and shop.told[-1].state is JobState.DONE

        await eventually(told)


async def test_slot_takes_one_at_a_time_and_slots_are_side_by_side(database: Database) -> None:
    async with open_shop(database, heavy=1, photo=1) as shop:
        gate = asyncio.Event()
        first, second = await shop.enqueue(gate), await shop.enqueue()
        other = await shop.enqueue(slot="photo")
        assert (await shop.end_of(other)).state is JobState.DONE
        assert (shop.begun.count(second), await shop.queue.position(second)) == (0, 0)
        gate.set()
        await shop.end_of(second)
        assert shop.begun.index(first) < shop.begun.index(second)
        assert shop.most == 2


async def test_wider_slot_takes_more(database: Database) -> None:
    async with open_shop(database, heavy=3) as shop:
        gate = asyncio.Event()
        numbers = [await shop.enqueue(gate) for _ in range(5)]
        for number in numbers[:3]:
            await shop.has_begun(number)
        assert shop.most == 3
        gate.set()
        for number in numbers:
            await shop.end_of(number)
        assert shop.most == 3


async def test_passing_error_is_tried_again(database: Database) -> None:
    async with open_shop(database) as shop:
        number = await shop.enqueue(UnavailableError("503"), QuotaExceededError("429", retry_after=0.01))
        done = await shop.end_of(number)
        assert (done.state, done.attempt, done.reason) == (JobState.DONE, 3, "")


async def test_last_try_fails_with_its_reason(database: Database) -> None:
    async with open_shop(database) as shop:
        failed = await shop.end_of(await shop.enqueue(UnavailableError("1"), UnavailableError("2"), attempts=2))
        assert (failed.state, failed.attempt, failed.reason) == (JobState.FAILED, 2, "UnavailableError")


@pytest.mark.parametrize("error", [InputError("bad"), ValueError("a bug")])
async def test_lasting_error_is_not_tried_again(database: Database, error: Exception) -> None:
    async with open_shop(database) as shop:
        failed = await shop.end_of(await shop.enqueue(error))
        assert (failed.state, failed.attempt, failed.reason) == (JobState.FAILED, 1, type(error).__name__)


async def test_cancelled_job_ends_and_the_next_begins(database: Database) -> None:
    async with open_shop(database) as shop:
        running, waiting, last = await shop.enqueue(asyncio.Event()), await shop.enqueue(), await shop.enqueue()
        await shop.has_begun(running)
        assert await shop.queue.cancel(waiting)
        assert await shop.queue.cancel(running)
        assert (await shop.end_of(running)).state is JobState.CANCELLED
        assert (await shop.end_of(waiting)).state is JobState.CANCELLED
        assert (await shop.end_of(last)).state is JobState.DONE
        assert waiting not in shop.begun
        assert not await shop.queue.cancel(running)


async def test_cancelling_kills_the_program_that_the_job_runs(database: Database, tmp_path: Path) -> None:
    started, ended = tmp_path / "started", tmp_path / "ended"
    async with open_shop(database) as shop:
        number = await shop.enqueue(("sh", "-c", f"echo $$ > {started}; sleep 30; touch {ended}"))

        async def begun() -> bool:
            return started.exists() and bool(started.read_text().strip())

        await eventually(begun)
        await shop.queue.cancel(number)
        await shop.end_of(number)
        with pytest.raises(ProcessLookupError):
            os.kill(int(started.read_text()), 0)
        assert not ended.exists()


async def test_another_process_cancels(database: Database) -> None:
    async with open_shop(database) as shop:
        number = await shop.enqueue(asyncio.Event())
        await shop.has_begun(number)
        elsewhere = InlineJobs(JobRepository(database), {}, {"heavy": 1}, SystemClock())
        assert await elsewhere.cancel(number)
        assert (await shop.end_of(number)).state is JobState.CANCELLED


async def test_progress_is_stored_and_published(database: Database) -> None:
    async with open_shop(database) as shop:
        number = await shop.enqueue(asyncio.Event())

        async def stored() -> bool:
            job = await shop.queue.find(number)
            return job is not None and job.progress.note == "waiting"

        async def told() -> bool:
            return any(job.progress.total == 4 and job.state is JobState.RUNNING for job in shop.told)

        await eventually(stored)
        await eventually(told)  # a moment later: what is told is stored first


async def test_closing_puts_back_running_jobs_without_counting_the_try(database: Database) -> None:
    async with open_shop(database) as shop:
        number = await shop.enqueue(asyncio.Event())
        await shop.has_begun(number)
    left = await JobRepository(database).find(number)
    assert left is not None
    assert (left.state, left.attempt, left.losses) == (JobState.QUEUED, 0, 0)
    async with open_shop(database) as shop:
        assert (await shop.end_of(number)).result == {"attempt": 1, "order": None}


async def test_running_jobs_may_end_if_there_is_time(database: Database) -> None:
    async with open_shop(database) as shop:
        gate = asyncio.Event()
        number = await shop.enqueue(gate)
        await shop.has_begun(number)
        closing = asyncio.create_task(shop.queue.close(within=20))
        await asyncio.sleep(0)
        gate.set()
        await closing
        job = await shop.queue.find(number)
        assert job is not None
        assert job.state is JobState.DONE


async def test_listener_that_fails_and_result_that_is_no_json_hurt_only_themselves(database: Database) -> None:
    async with open_shop(database) as shop:

        async def stumble(_job: Job) -> None:
            raise ValueError("no such chat")

        async def answer(_job: Job, _control: JobControl) -> Mapping[str, object]:
            return {"path": Path("/")}

        shop.queue.listen("media", stumble)
        shop.queue.register("test.answer", answer)
        await shop.queue.enqueue(JobRequest(50, "test.answer", {}, "media", PERSON, PERSON))
        assert (await shop.end_of(50)).reason == "TypeError"
        assert (await shop.end_of(await shop.enqueue())).state is JobState.DONE


async def test_handler_of_one_bot_goes_before_that_of_all(database: Database) -> None:
    async with open_shop(database) as shop:

        async def own(_job: Job, _control: JobControl) -> Mapping[str, object]:
            return {"own": True}

        shop.queue.register("test.run", own, bot="media")
        assert (await shop.end_of(await shop.enqueue())).result == {"own": True}
        with pytest.raises(ValueError, match="already"):
            shop.queue.register("test.run", own, bot="media")


async def test_unknown_slot_and_unknown_job_are_reported(database: Database) -> None:
    async with open_shop(database) as shop:
        with pytest.raises(ValueError, match="slot"):
            await shop.enqueue(slot="none")
        with pytest.raises(NotFoundError):
            await shop.queue.wait(404)
        assert await shop.queue.find(404) is None


async def test_many_jobs_all_run_once(database: Database) -> None:
    async with open_shop(database, heavy=4) as shop:
        numbers = [await shop.enqueue() for _ in range(40)]
        for number in numbers:
            assert (await shop.end_of(number)).state is JobState.DONE
        assert sorted(shop.begun) == numbers


async def test_two_queues_share_a_line_and_run_nothing_twice(database: Database) -> None:
    async with open_shop(database, heavy=2) as shop, open_shop(database, heavy=2) as other:
        numbers = [await shop.enqueue() for _ in range(30)]
        for number in numbers:
            assert (await shop.end_of(number)).state is JobState.DONE
        assert sorted(shop.begun + other.begun) == numbers


async def test_job_of_a_killed_process_runs_again_at_the_next_start(database: Database, database_url: str) -> None:
    request = JobRequest(5, "test.run", {}, "media", PERSON, PERSON)
    await JobRepository(database).add(request)
    command = (sys.executable, "-m", "tests.contract.storage.job_process", database_url)
    victim = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    assert victim.stdout is not None
    assert int(await asyncio.wait_for(victim.stdout.readline(), 30)) == request.id
    victim.kill()
    await victim.wait()
    # Long leases: it is the dead owner that is noticed, not the end of its lease.
    async with open_shop(database, Timing(beat=0.05)) as shop:
        done = await shop.end_of(request.id)
        assert (done.state, done.attempt, done.losses) == (JobState.DONE, 1, 1)
