"""Runs jobs until it is killed and says when one begins: `python -m … URL`. Each waits for ever; none can end."""

import asyncio
import sys
from collections.abc import Mapping

from beseda.core.clock import SystemClock
from beseda.db.database import Database
from beseda.engine.jobs.base import JobControl
from beseda.engine.jobs.inline import InlineJobs
from beseda.engine.jobs.model import Job
from beseda.engine.jobs.repository import JobRepository


async def work(job: Job, control: JobControl) -> Mapping[str, object]:
    control.report(1, 2, "half")
    print(job.id, flush=True)
    await asyncio.Event().wait()
    return {}


async def main(url: str) -> None:
    database = await Database.open(url)
    jobs = InlineJobs(JobRepository(database), {"test.run": work}, {"heavy": 1}, SystemClock())
    await jobs.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
