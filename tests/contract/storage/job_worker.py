"""Runs jobs until it is told to stop: `python -m … inline|celery DATABASE REDIS`. Says `up` when it takes jobs.

What a job does stands in its payload, and each begin is a line in the file that the payload names.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from beseda.core import errors
from beseda.core.backoff import Backoff
from beseda.core.clock import SystemClock
from beseda.db.database import Database
from beseda.engine.jobs.base import JobControl
from beseda.engine.jobs.broker import Broker
from beseda.engine.jobs.celery import CeleryJobs
from beseda.engine.jobs.celery_worker import CeleryWorker
from beseda.engine.jobs.executor import Timing
from beseda.engine.jobs.inline import InlineJobs
from beseda.engine.jobs.model import Job
from beseda.engine.jobs.repository import JobRepository
from beseda.ephemeral.redis.bus import RedisBus
from beseda.ephemeral.redis.connection import open_redis
from tests.parts.waiting import eventually

TIMING = Timing(
    lease=4, beat=0.2, report=0.05, grace=0.2, retry=Backoff(first=0.05, cap=0.05), limits={"light": 0.5, "text": 60}
)
IDLE = {"heavy": 0, "text": 0, "light": 0}
WIDTHS = {"heavy": 1, "text": 2, "light": 4}


def note(path: Path, line: str) -> None:
    with path.open("a") as file:
        file.write(f"{line}\n")


async def work(job: Job, control: JobControl) -> Mapping[str, object]:
    payload = job.request.payload
    await asyncio.to_thread(note, Path(str(payload["log"])), f"{job.id} {os.getpid()}")
    for name in payload.get("errors", ())[job.attempt - 1 : job.attempt]:  # type: ignore[index] # a list out of JSON
        raise getattr(errors, name)("as ordered")
    if payload.get("wait"):
        control.report(1, 4, "waiting")
        await eventually(lambda: asyncio.to_thread(Path(str(payload["log"])).with_suffix(".go").exists), within=600)
    return {"attempt": job.attempt, "pid": os.getpid()}


async def open_queue(
    stack: AsyncExitStack, kind: str, urls: tuple[str, str], widths: Mapping[str, int], timing: Timing = TIMING
) -> InlineJobs | CeleryJobs:
    """Open a queue for the length of the stack; inline ones have no Redis between them."""
    database = await Database.open(urls[0])
    stack.push_async_callback(database.close)
    store, clock = JobRepository(database), SystemClock()
    jobs: InlineJobs | CeleryJobs
    if kind == "inline":
        jobs = InlineJobs(store, {}, widths, clock, timing)
    else:
        redis = await open_redis(urls[1])
        stack.push_async_callback(redis.aclose)
        bus = RedisBus(redis)
        stack.push_async_callback(bus.close)
        jobs = CeleryJobs(store, Broker(urls[1]), widths, clock, timing)
        jobs.connect(bus)
    stack.push_async_callback(jobs.close)
    await jobs.start()
    return jobs


async def main(kind: str, *urls: str) -> None:
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async with AsyncExitStack() as stack:
        jobs = await open_queue(stack, kind, (urls[0], urls[1]), WIDTHS, replace(TIMING))
        jobs.register("test.run", work)
        print("up", flush=True)
        if not isinstance(jobs, CeleryJobs):
            await stopped.wait()
            return
        worker = CeleryWorker(jobs.runner, urls[1], jobs.slots)
        task = asyncio.create_task(worker.run())
        await stopped.wait()
        task.cancel()
        await jobs.close()
        await worker.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
