"""The executor of jobs in this process: lease, progress, time limit, cancellation, retry.

Running jobs are leased. A process that is killed leaves leases behind. Another process on the same machine detects the
dead owner and takes the jobs over immediately; a process on another machine does so when the leases expire.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import orjson

from beseda.core.backoff import Backoff
from beseda.core.clock import Clock
from beseda.core.errors import BesedaError, StorageError, TimeLimitError
from beseda.core.process_identity import find_dead_processes, new_process_id
from beseda.engine.jobs.base import JobHandler
from beseda.engine.jobs.model import Job, JobLease, JobState, Progress
from beseda.engine.jobs.repository import JobRepository

log = logging.getLogger(__name__)

_SETTLE_TRIES = 200
# Seconds that a job of a slot may take; a recording of ten hours takes a quarter of the longest.
LIMITS = {"heavy": 1800.0, "speech": 4 * 3600.0, "text": 3600.0, "light": 600.0, "broadcast": 600.0}


@dataclass(frozen=True, slots=True)
class Timing:
    """Durations in seconds: of a lease, between two heartbeats, and between two progress reports.

    A heartbeat renews the leases and polls the table. At shutdown jobs may continue for `grace`; cancelled jobs then
    have `closing` to clean up. `limits` are the time limits of the jobs of each slot.
    """

    lease: float = 20.0
    beat: float = 5.0
    report: float = 1.0
    grace: float = 0.0
    closing: float = 15.0
    retry: Backoff = field(default_factory=lambda: Backoff(first=2.0, cap=120.0))
    limits: Mapping[str, float] = field(default_factory=lambda: LIMITS)


@dataclass(slots=True, eq=False)
class _Control:
    """Interface of a running job to its queue."""

    progress: Progress
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def report(self, done: float, total: float = 0.0, note: str = "") -> None:
        """Report the progress of the job."""
        self.progress = Progress(done, total, note)
        self.changed.set()


@dataclass(slots=True, eq=False)
class Run:
    """A job that runs here. `telling` is held during a notification of its bot, so that notifications stay in order."""

    job: Job
    control: _Control
    telling: asyncio.Lock = field(default_factory=asyncio.Lock)
    task: asyncio.Task[None] | None = None
    started: bool = False
    cancelled: bool = False

    def cancel(self) -> None:
        """Cancel the job once: a second cancellation would interrupt the cleanup after the first."""
        begun, self.cancelled = self.cancelled, True
        # A task that has not made its first step would end without a word: `start` ends it instead.
        if self.started and not begun and self.task is not None:
            self.task.cancel()

    def start(self) -> None:
        """Start the job. Raises CancelledError if the job was cancelled before."""
        self.started = True
        if self.cancelled:
            raise asyncio.CancelledError

    async def wait(self) -> None:
        """Return when the run has finished and all notifications are sent."""
        if self.task is not None:
            await asyncio.wait([self.task])


class Runner:
    """Claims jobs and runs them.

    The callback of the constructor is called with every changed job, `on_free` with every slot that has room again.
    """

    def __init__(
        self, store: JobRepository, clock: Clock, timing: Timing, tell: Callable[[Job], Awaitable[None]]
    ) -> None:
        self._store = store
        self._clock = clock
        self._timing = timing
        self._tell = tell
        self._owner = new_process_id()
        self._handlers: dict[tuple[str, str], JobHandler] = {}
        self._running: dict[int, Run] = {}
        self._ending: set[int] = set()
        self._work: set[asyncio.Task[None]] = set()
        self._heard_at = clock.monotonic()
        self._patient_until = float("-inf")
        self.closing = False
        self.on_free: Callable[[str], None] = lambda _slot: None

    def register(self, kind: str, handler: JobHandler, *, bot: str = "") -> None:
        """Register the handler of a kind, for every bot or for one. Raises ValueError if there is one already."""
        if (bot, kind) in self._handlers:
            raise ValueError(f"{kind} has a handler already")
        self._handlers[bot, kind] = handler

    def holds(self, job_id: int) -> bool:
        """Return whether a job runs here, or its end is being stored."""
        return job_id in self._running or job_id in self._ending

    def count(self, slot: str) -> int:
        """Return how many jobs of a slot run here."""
        return sum(run.job.request.slot == slot for run in self._running.values())

    def cancel(self, job_id: int) -> bool:
        """Cancel a job that runs here and return whether there is one."""
        run = self._running.get(job_id)
        if run is not None:
            run.cancel()
        return run is not None

    async def start_next(self, slot: str) -> Run | None:
        """Start the next job of a slot, or return None if none waits. Raises StorageError."""
        while self._handlers and not self.closing:
            patient = self._is_patient()
            job = await self._store.claim(slot, list(self._handlers), replace(self._lease(), patient=patient))
            self._hear()
            if job is None:
                return None
            known = self._running.get(job.id)
            if job.state.is_over:
                log.warning("job %d (%s) is over: %s", job.id, job.request.kind, job.reason or job.state)
                if known is not None:
                    known.cancel()
                # Its bot may wait for Telegram: the next job of the slot does not wait for that.
                task = asyncio.create_task(self._tell_end(job), name=f"job-{job.id}-over")
                self._work.add(task)
                task.add_done_callback(self._work.discard)
            elif not self.holds(job.id):  # else we stood still for longer than our own lease
                return self._start(job)
        return None

    async def beat(self) -> Sequence[str]:
        """Renew the leases of running jobs, cancel those that were cancelled or taken over, and free jobs of the dead.

        Returns the names of processes of this machine that died. Raises StorageError.
        """
        held = [*self._running, *self._ending]
        kept = await self._store.renew(held, self._lease()) if held else set()
        for job_id in set(held) - kept:
            self.cancel(job_id)
        dead = await free_dead(self._store)
        self._hear()
        return dead

    async def close(self, within: float | None = None) -> None:
        """Let running jobs continue for the grace period, or `within` seconds, then cancel them.

        They are queued again, and the attempt is not counted.
        """
        self.closing = True
        grace = self._timing.grace if within is None else within
        if self._work and grace:
            await asyncio.wait(self._work, timeout=grace)
        for run in list(self._running.values()):
            run.cancel()
        # A bot that is being told may be waiting for Telegram; what it has not sent by then it sends at the next start.
        if self._work:
            _, late = await asyncio.wait(self._work, timeout=self._timing.closing)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _tell_end(self, job: Job) -> None:
        await self._tell(job)

    def _start(self, job: Job) -> Run:
        run = self._running[job.id] = Run(job, _Control(job.progress))
        run.task = asyncio.create_task(self._run(run), name=f"job-{job.id}")
        self._work.add(run.task)
        run.task.add_done_callback(self._work.discard)
        return run

    async def _run(self, run: Run) -> None:
        reporter = asyncio.create_task(self._report(run))
        try:
            ended = await self._work_on(run)
        finally:
            # From here on nobody cancels it any more: what came of the job is to be stored.
            self._ending.add(run.job.id)
            self._running.pop(run.job.id, None)
        ours = await self._settle(replace(ended, progress=run.control.progress))
        self.on_free(ended.request.slot)
        async with run.telling:
            reporter.cancel()
        await asyncio.wait([reporter])
        if ours:
            await self._tell(ended)

    async def _settle(self, ended: Job) -> bool:
        """Store the result of a job, retrying during an outage of the database: long work should not be done twice."""
        try:
            for _ in range(_SETTLE_TRIES):
                try:
                    return await self._store.settle(ended, self._owner)
                except StorageError as error:
                    log.warning("the end of job %d could not be stored: %s", ended.id, error.detail)
                if self.closing:
                    break
                await self._clock.sleep(self._timing.beat)
        finally:
            self._ending.discard(ended.id)
        return False  # its lease runs out, and it runs again

    async def _work_on(self, run: Run) -> Job:
        job = run.job
        request, now = job.request, self._clock.now
        handler = self._handlers.get((request.bot, request.kind)) or self._handlers["", request.kind]
        limit = asyncio.timeout(self._timing.limits.get(request.slot))
        try:
            run.start()
            async with limit:
                result = dict(await handler(job, run.control))
            orjson.dumps(result)  # what cannot be stored is the handler's mistake
            return replace(job, state=JobState.DONE, result=result, reason="", finished_at=now())
        except asyncio.CancelledError:
            if self.closing:
                # Its process ends, and that is not the job's fault.
                return replace(job, state=JobState.QUEUED, attempt=job.attempt - 1, due_at=now())
            return replace(job, state=JobState.CANCELLED, finished_at=now())
        except Exception as error:
            return self._fail(job, TimeLimitError(f"over {limit.when()}") if limit.expired() else error)

    def _fail(self, job: Job, error: Exception) -> Job:
        """Return the job after an error: queued again if a retry may help, else failed."""
        reason, now = type(error).__name__, self._clock.now()
        if not isinstance(error, BesedaError):
            log.error("job %d (%s) failed", job.id, job.request.kind, exc_info=error)
            return replace(job, state=JobState.FAILED, reason=reason, finished_at=now)
        log.warning("job %d (%s), try %d: %s: %s", job.id, job.request.kind, job.attempt, reason, error.detail)
        if not error.retryable or job.attempt >= job.request.max_attempts:
            return replace(job, state=JobState.FAILED, reason=reason, finished_at=now)
        delay = error.retry_after
        if delay is None:
            delay = self._timing.retry.delay(job.attempt - 1)
        return replace(job, state=JobState.QUEUED, reason=reason, due_at=now + timedelta(seconds=delay))

    async def _report(self, run: Run) -> None:
        """Notify that the job runs, and of its progress. Reports within a second are merged; the last one is kept."""
        run.control.changed.set()
        kept = run.job.progress
        while True:
            await run.control.changed.wait()
            run.control.changed.clear()
            async with run.telling:
                if run.control.progress != kept:
                    kept = await self._keep(run)
                await self._tell(replace(run.job, progress=run.control.progress))
            await self._clock.sleep(self._timing.report)

    async def _keep(self, run: Run) -> Progress:
        progress = run.control.progress
        try:
            await self._store.progress(run.job.id, progress)
        except StorageError as error:
            log.warning("progress of job %d is not kept: %s", run.job.id, error.detail)
        return progress

    def _hear(self) -> None:
        """Record that the database answers. After an outage other processes may need time to renew their leases."""
        now = self._clock.monotonic()
        if now - self._heard_at > self._timing.lease:
            self._patient_until = now + self._timing.lease
        self._heard_at = now

    def _is_patient(self) -> bool:
        now = self._clock.monotonic()
        return now < self._patient_until or now - self._heard_at > self._timing.lease

    def _lease(self) -> JobLease:
        return JobLease(self._owner, self._clock.now() + timedelta(seconds=self._timing.lease))


async def free_dead(store: JobRepository) -> Sequence[str]:
    """End the leases of processes of this machine that died, and return their names. Raises StorageError."""
    dead = find_dead_processes(await store.owners())
    if dead and (count := await store.take_over(dead)):
        log.info("%d jobs were running when their process ended: they run again", count)
    return dead
