"""What runs jobs serves many: it awaits nobody's I/O."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

from beseda.core.clock import SystemClock
from beseda.db.database import Database
from beseda.engine.jobs.base import JobControl
from beseda.engine.jobs.executor import Runner, Timing
from beseda.engine.jobs.model import Job, JobLease, JobRequest
from beseda.engine.jobs.repository import JobRepository

KIND = "test.work"


async def test_next_job_begins_while_the_bot_of_an_ended_one_waits_for_telegram(database: Database) -> None:
    store, clock = JobRepository(database), SystemClock()
    flood, told = asyncio.Event(), list[int]()

    async def tell(job: Job) -> None:
        if job.state.is_over and job.id == 1:
            await flood.wait()
        told.append(job.id)

    async def work(_job: Job, _control: JobControl) -> Mapping[str, object]:
        return {}

    for number in (1, 2):
        await store.add(JobRequest(number, KIND, {}, slot="text"))
    dead = JobLease("elsewhere:1:a", clock.now() - timedelta(seconds=1))
    assert (await store.claim("text", [("", KIND)], dead)) is not None
    await store.cancel(1)
    runner = Runner(store, clock, Timing(), tell)
    runner.register(KIND, work)
    async with asyncio.timeout(30):
        run = await runner.start_next("text")
        assert run is not None
        await run.wait()
    assert run.job.id == 2
    assert 1 not in told
    flood.set()
    await runner.close()
    assert 1 in told
