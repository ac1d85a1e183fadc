"""Both queues with workers in processes of their own: nothing is lost, nothing done twice, and everybody is told."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from beseda.core.chat import ChatKey, ChatKind, Person
from beseda.db.database import Database
from beseda.engine.conversations.repository import ConversationRepository
from beseda.engine.jobs.celery import CeleryJobs
from beseda.engine.jobs.inline import InlineJobs
from beseda.engine.jobs.model import CRASHED, Job, JobRequest, JobState
from tests.contract.storage.job_worker import IDLE, open_queue
from tests.parts.redis import RedisServer
from tests.parts.waiting import eventually

ROOT = Path(__file__).parents[3]
PERSON = 7


@dataclass
class Yard:
    """A queue that runs nothing here, and workers that a test starts."""

    kind: str
    queue: InlineJobs | CeleryJobs
    urls: tuple[str, str]
    log: Path
    workers: list[asyncio.subprocess.Process] = field(default_factory=list)
    told: list[Job] = field(default_factory=list)
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    async def start_worker(self) -> asyncio.subprocess.Process:
        command = (sys.executable, "-m", "tests.contract.storage.job_worker", self.kind, *self.urls)
        worker = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
        self.workers.append(worker)
        assert worker.stdout is not None
        assert await asyncio.wait_for(worker.stdout.readline(), 30) == b"up\n"
        return worker

    async def enqueue(self, slot: str = "text", **payload: object) -> int:
        payload["log"] = str(self.log)
        request = JobRequest(next(self.numbers), "test.run", payload, "media", PERSON, PERSON, slot)
        return (await self.queue.enqueue(request)).id

    async def end_of(self, number: int, within: float = 20) -> Job:
        return await asyncio.wait_for(self.queue.wait(number), within)

    def begun(self) -> list[tuple[int, int]]:
        """Return job and process of every try that began."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [(int(job), int(process)) for job, process in map(str.split, lines)]

    async def has_begun(self, number: int, times: int = 1) -> int:
        """Wait until a job has begun so often and return the process of the last try."""

        async def look() -> bool:
            return [job for job, _ in self.begun()].count(number) >= times

        await eventually(look, within=60)
        return [process for job, process in self.begun() if job == number][-1]

    def let_go(self) -> None:
        """Have those that wait end."""
        self.log.with_suffix(".go").touch()

    async def is_told(self, condition: Callable[[Job], bool]) -> None:
        async def look() -> bool:
            return any(condition(job) for job in self.told)

        await eventually(look)

    async def close(self) -> None:
        for worker in self.workers:
            if worker.returncode is None:
                worker.kill()
            await worker.communicate()


@pytest.fixture
def broker(tmp_path: Path) -> RedisServer:
    return RedisServer(tmp_path)


@pytest.fixture(params=["inline", "celery"])
async def yard(
    request: pytest.FixtureRequest, database: Database, database_url: str, broker: RedisServer, tmp_path: Path
) -> AsyncIterator[Yard]:
    person = Person(PERSON, "Аня")
    await ConversationRepository(database).open(ChatKey("media", PERSON), ChatKind.PRIVATE, "", person)
    async with AsyncExitStack() as stack:
        stack.callback(broker.stop)
        queue = await open_queue(stack, request.param, (database_url, broker.url), IDLE)
        yard = Yard(request.param, queue, (database_url, broker.url), tmp_path / "begun")

        async def hear(job: Job) -> None:
            yard.told.append(job)

        queue.listen("media", hear)
        stack.push_async_callback(yard.close)
        yield yard


async def test_job_runs_elsewhere_and_its_bot_is_notified_here(yard: Yard) -> None:
    worker = await yard.start_worker()
    number = await yard.enqueue()
    done = await yard.end_of(number)
    assert (done.state, done.result) == (JobState.DONE, {"attempt": 1, "pid": worker.pid})
    await yard.is_told(lambda job: job.state is JobState.DONE)


async def test_two_workers_run_everything_once(yard: Yard) -> None:
    await asyncio.gather(yard.start_worker(), yard.start_worker())
    numbers = [await yard.enqueue(slot) for _ in range(20) for slot in ("heavy", "text")]
    for number in numbers:
        assert (await yard.end_of(number, 40)).state is JobState.DONE
    assert sorted(job for job, _ in yard.begun()) == numbers


async def test_job_of_a_killed_worker_is_done_by_another(yard: Yard) -> None:
    first, second = await asyncio.gather(yard.start_worker(), yard.start_worker())
    number = await yard.enqueue(wait=True)
    victim = await yard.has_begun(number)
    os.kill(victim, signal.SIGKILL)
    other = await yard.has_begun(number, times=2)
    assert {victim, other} == {first.pid, second.pid}
    yard.let_go()
    done = await yard.end_of(number)
    assert (done.state, done.attempt, done.losses) == (JobState.DONE, 1, 1)


async def test_stalled_worker_stores_nothing_over_the_result_of_another(yard: Yard) -> None:
    first, second = await asyncio.gather(yard.start_worker(), yard.start_worker())
    number = await yard.enqueue(wait=True)
    sleeper = await yard.has_begun(number)
    os.kill(sleeper, signal.SIGSTOP)
    other = await yard.has_begun(number, times=2)
    assert {sleeper, other} == {first.pid, second.pid}
    yard.let_go()
    assert (await yard.end_of(number)).result == {"attempt": 1, "pid": other}
    await yard.is_told(lambda job: job.id == number and job.state is JobState.DONE)
    os.kill(sleeper, signal.SIGCONT)
    marks = [await yard.enqueue() for _ in range(20)]  # by the end of these it has been at work again
    assert all([(await yard.end_of(mark)).state is JobState.DONE for mark in marks])
    done = await yard.queue.find(number)
    assert done is not None
    assert (done.state, done.result) == (JobState.DONE, {"attempt": 1, "pid": other})
    assert sum(job.state is JobState.DONE for job in yard.told if job.id == number) == 1


async def test_job_that_kills_every_worker_is_given_up(yard: Yard) -> None:
    number = await yard.enqueue(wait=True)
    for times in (1, 2, 3):
        await yard.start_worker()
        os.kill(await yard.has_begun(number, times), signal.SIGKILL)
    await yard.start_worker()
    over = await yard.end_of(number)
    assert (over.state, over.reason, len(yard.begun())) == (JobState.FAILED, CRASHED, 3)


async def test_job_of_a_kind_unknown_to_all_workers_waits_and_blocks_no_other(yard: Yard) -> None:
    unknown = [JobRequest(next(yard.numbers), "test.later", {}, slot="text") for _ in range(70)]
    for request in unknown:
        await yard.queue.enqueue(request)
    await yard.start_worker()
    number = await yard.enqueue()
    assert (await yard.end_of(number)).state is JobState.DONE
    left = await yard.queue.find(unknown[0].id)
    assert left is not None
    assert (left.state, left.attempt, left.losses) == (JobState.QUEUED, 0, 0)


async def test_worker_asked_to_stop_hands_back_running_jobs(yard: Yard) -> None:
    worker = await yard.start_worker()
    number = await yard.enqueue(wait=True)
    await yard.has_begun(number)
    worker.terminate()
    assert await asyncio.wait_for(worker.wait(), 60) == 0
    left = await yard.queue.find(number)
    assert left is not None
    assert (left.state, left.attempt, left.losses) == (JobState.QUEUED, 0, 0)
    yard.let_go()
    await yard.start_worker()
    assert (await yard.end_of(number)).attempt == 1


async def test_cancelling_reaches_the_process_that_runs_it(yard: Yard) -> None:
    await yard.start_worker()
    number = await yard.enqueue(wait=True)
    await yard.has_begun(number)
    assert await yard.queue.cancel(number)
    assert (await yard.end_of(number)).state is JobState.CANCELLED
    assert not await yard.queue.cancel(number)


async def test_job_cancelled_before_its_run(yard: Yard) -> None:
    number, kept = await yard.enqueue(), await yard.enqueue()
    assert await yard.queue.cancel(number)
    await yard.start_worker()
    assert (await yard.end_of(kept)).state is JobState.DONE
    assert [job for job, _ in yard.begun()] == [kept]


async def test_progress_is_published_here(yard: Yard) -> None:
    await yard.start_worker()
    number = await yard.enqueue(wait=True)
    await yard.is_told(lambda job: job.progress.note == "waiting" and job.state is JobState.RUNNING)
    yard.let_go()
    await yard.end_of(number)


async def test_kind_of_error_decides_whether_it_is_tried_again(yard: Yard) -> None:
    await yard.start_worker()
    passing = await yard.enqueue(errors=["UnavailableError", "StorageError"])
    lasting, always = await yard.enqueue(errors=["InputError"]), await yard.enqueue(errors=["UnavailableError"] * 3)
    assert (await yard.end_of(passing)).result is not None
    ended = [await yard.end_of(number) for number in (passing, lasting, always)]
    assert [(job.state, job.attempt, job.reason) for job in ended] == [
        (JobState.DONE, 3, ""),
        (JobState.FAILED, 1, "InputError"),
        (JobState.FAILED, 3, "UnavailableError"),
    ]


async def test_job_that_takes_too_long_is_ended(yard: Yard) -> None:
    await yard.start_worker()
    ended = await yard.end_of(await yard.enqueue("light", wait=True))
    assert (ended.state, ended.reason, ended.attempt) == (JobState.FAILED, "TimeLimitError", 1)


async def test_jobs_are_accepted_while_redis_is_away(yard: Yard, broker: RedisServer) -> None:
    await yard.start_worker()
    await yard.end_of(await yard.enqueue())
    broker.stop()
    numbers = [await asyncio.wait_for(yard.enqueue(), 5) for _ in range(3)]
    broker.start()
    for number in numbers:
        assert (await yard.end_of(number, 30)).state is JobState.DONE
    assert sorted(job for job, _ in yard.begun()) == [1, *numbers]


async def test_worker_that_is_there_works_while_redis_is_away(yard: Yard, broker: RedisServer) -> None:
    await yard.start_worker()
    await yard.end_of(await yard.enqueue())
    broker.stop()
    done = await yard.end_of(await yard.enqueue(), within=60)
    assert done.state is JobState.DONE
    broker.start()


async def test_redis_that_forgets_everything_loses_no_job(yard: Yard, broker: RedisServer) -> None:
    numbers = [await yard.enqueue() for _ in range(5)]
    broker.stop()
    broker.start()
    await yard.start_worker()
    for number in numbers:
        assert (await yard.end_of(number, 30)).state is JobState.DONE
