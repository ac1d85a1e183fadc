"""Jobs in this process, over our own table: no broker, and nothing is lost when the process dies.

What runs is leased. A process that is killed leaves leases behind; the next one on the same machine sees that their
owner is dead and takes the jobs up at its start, one on another machine does so when they run out.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

import orjson

from beseda.domain.job import Job, JobRequest, JobState, Lease, Progress
from beseda.errors import BesedaError, NotFoundError, StorageError
from beseda.jobs.base import JobHandler, JobListener, JobStore
from beseda.kit.backoff import Backoff
from beseda.kit.clock import Clock
from beseda.kit.owner import find_dead, name_owner

log = logging.getLogger(__name__)

_SETTLE_TRIES = 200


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds: how long a lease lasts, how often it is renewed and the table looked at, how often progress is kept.

    `closing` is how long jobs that are cancelled at the end may take to tidy up.
    """

    lease: float = 30.0
    beat: float = 5.0
    report: float = 1.0
    closing: float = 15.0
    retry: Backoff = field(default_factory=lambda: Backoff(first=2.0, cap=120.0))


@dataclass(slots=True, eq=False)
class _Control:
    """What a running job can do with its queue."""

    progress: Progress
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def report(self, done: float, total: float = 0.0, note: str = "") -> None:
        """Say how far the job is."""
        self.progress = Progress(done, total, note)
        self.changed.set()


@dataclass(slots=True, eq=False)
class _Run:
    """A job that runs here. `telling` is held while the listener is told, so that it is told in order."""

    job: Job
    control: _Control
    telling: asyncio.Lock = field(default_factory=asyncio.Lock)
    task: asyncio.Task[None] | None = None
    started: bool = False
    cancelled: bool = False

    def cancel(self) -> None:
        """End the work on the job, once: a second cancellation would break into the cleaning up after the first."""
        begun, self.cancelled = self.cancelled, True
        # A task that has not made its first step would end without a word: `start` ends it instead.
        if self.started and not begun and self.task is not None:
            self.task.cancel()

    def start(self) -> None:
        """Begin. Raises CancelledError where the job was cancelled before."""
        self.started = True
        if self.cancelled:
            raise asyncio.CancelledError


class InlineJobs:
    """A `JobQueue` that runs jobs beside the bots, as many at once as their slot is wide."""

    def __init__(
        self,
        store: JobStore,
        handlers: Mapping[str, JobHandler],
        slots: Mapping[str, int],
        clock: Clock,
        timing: Timing | None = None,
    ) -> None:
        """`handlers` by kind; more can be registered later. Nothing runs before `start`."""
        self._store = store
        self._handlers: dict[tuple[str, str], JobHandler] = {("", kind): work for kind, work in handlers.items()}
        self._slots = dict(slots)
        self._clock = clock
        self._timing = timing or Timing()
        self._owner = name_owner()
        self._listeners: dict[str, JobListener] = {}
        self._running: dict[int, _Run] = {}
        self._ending: set[int] = set()
        self._work: set[asyncio.Task[None]] = set()
        self._loops: list[asyncio.Task[None]] = []
        self._wakes = {slot: asyncio.Event() for slot in slots}
        self._pulse = asyncio.Event()
        self._closing = False

    def register(self, kind: str, handler: JobHandler, *, bot: str = "") -> None:
        """Add the handler of a kind, for every bot or for one. Raises ValueError where there is one already."""
        if (bot, kind) in self._handlers:
            raise ValueError(f"{kind} has a handler already")
        self._handlers[bot, kind] = handler
        self._wake_all()

    def listen(self, bot: str, listener: JobListener) -> None:
        """Have a bot told of every change to its jobs that this process sees.

        It may miss some when the process dies: what a person must get is sent by the handler itself.
        """
        self._listeners[bot] = listener

    async def start(self) -> None:
        """Take up what a dead process of this machine left running, and begin. Raises StorageError."""
        dead = find_dead(await self._store.owners())
        if dead and (count := await self._store.take_over(dead)):
            log.info("%d jobs were running when the program ended: they run again", count)
        loops = [self._serve(slot, width) for slot, width in self._slots.items()]
        self._loops = [asyncio.create_task(loop) for loop in (*loops, self._beat())]

    async def close(self) -> None:
        """Stop; what runs is cancelled and goes back into the line, for the next start."""
        self._closing = True
        self._wake_all()
        # A claim that is under way is not broken off: its job would stay leased without anybody who runs it.
        if self._loops:
            await asyncio.wait(self._loops[:-1], timeout=self._timing.beat)
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        for run in list(self._running.values()):
            run.cancel()
        # A bot that is being told may be waiting for Telegram; what it has not sent by then it sends at the next start.
        if self._work:
            _, late = await asyncio.wait(self._work, timeout=self._timing.closing)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def enqueue(self, request: JobRequest) -> Job:
        """Store the job and return it, or the one of the same id. Raises ValueError for a slot that is not set up."""
        if request.slot not in self._slots:
            raise ValueError(f"there is no slot {request.slot!r}")
        job = await self._store.add(request)
        self._wakes[request.slot].set()
        return job

    async def cancel(self, job_id: int) -> bool:
        """Cancel a job that is not over; its task is cancelled here at once, in another process within seconds."""
        job = await self._store.cancel(job_id)
        if job is None:
            return False
        run = self._running.get(job_id)
        if run is not None:
            run.cancel()
        elif job.state.is_over:
            await self._tell(job)
            self._send_pulse()
        return True

    async def find(self, job_id: int) -> Job | None:
        """Return the job as it stands, or None."""
        return await self._store.find(job_id)

    async def position(self, job_id: int) -> int:
        """Return how many jobs wait before it in its slot; 0 where it is next, runs or is over."""
        return await self._store.position(job_id)

    async def wait(self, job_id: int) -> Job:
        """Return the job once it is over. Raises NotFoundError where there is none."""
        while True:
            pulse = self._pulse
            job = await self._store.find(job_id)
            if job is None:
                raise NotFoundError(f"job {job_id}")
            if job.state.is_over:
                return job
            await pulse.wait()

    async def _serve(self, slot: str, width: int) -> None:
        wake = self._wakes[slot]
        while True:
            wake.clear()
            try:
                await self._fill(slot, width)
            except StorageError as error:
                log.warning("no jobs of %s can be fetched: %s", slot, error.detail)
            except Exception:
                log.exception("no jobs of %s can be fetched", slot)  # a bug, which must not stop the slot for good
            if self._closing:
                return
            await wake.wait()

    async def _fill(self, slot: str, width: int) -> None:
        while not self._closing and self._count(slot) < width:
            if not await self._start_next(slot):
                return

    def _count(self, slot: str) -> int:
        return sum(run.job.request.slot == slot for run in self._running.values())

    async def _start_next(self, slot: str) -> bool:
        if not self._handlers:
            return False
        job = await self._store.claim(slot, list(self._handlers), self._lease())
        if job is None:
            return False
        known = self._running.get(job.id)
        if job.state.is_over:
            log.warning("job %d (%s) is over: %s", job.id, job.request.kind, job.reason or job.state)
            if known is not None:
                known.cancel()
            await self._tell(job)
            self._send_pulse()
            return True
        if known is not None or job.id in self._ending:
            return True  # we stood still for longer than our own lease
        run = self._running[job.id] = _Run(job, _Control(job.progress))
        run.task = asyncio.create_task(self._run(run), name=f"job-{job.id}")
        self._work.add(run.task)
        run.task.add_done_callback(self._work.discard)
        return True

    async def _run(self, run: _Run) -> None:
        reporter = asyncio.create_task(self._report(run))
        try:
            ended = await self._work_on(run)
        finally:
            # From here on nobody cancels it any more: what came of the job is to be stored.
            self._running.pop(run.job.id, None)
        ours = await self._settle(replace(ended, progress=run.control.progress))
        self._wakes[ended.request.slot].set()
        self._send_pulse()
        async with run.telling:
            reporter.cancel()
        await asyncio.wait([reporter])
        if ours:
            await self._tell(ended)

    async def _settle(self, ended: Job) -> bool:
        """Store what came of a job, however long the record is away: an hour of work is not done twice for that."""
        self._ending.add(ended.id)
        try:
            for _ in range(_SETTLE_TRIES):
                try:
                    return await self._store.settle(ended, self._owner)
                except StorageError as error:
                    log.warning("the end of job %d could not be stored: %s", ended.id, error.detail)
                if self._closing:
                    break
                await self._clock.sleep(self._timing.beat)
        finally:
            self._ending.discard(ended.id)
        return False  # its lease runs out, and it runs again

    async def _work_on(self, run: _Run) -> Job:
        job = run.job
        request = job.request
        handler = self._handlers.get((request.bot, request.kind)) or self._handlers["", request.kind]
        now = self._clock.now
        try:
            run.start()
            result = dict(await handler(job, run.control))
            orjson.dumps(result)  # what cannot be stored is the handler's mistake
            return replace(job, state=JobState.DONE, result=result, reason="", finished_at=now())
        except asyncio.CancelledError:
            if self._closing:
                # Its process ends, and that is not the job's fault.
                return replace(job, state=JobState.QUEUED, attempt=job.attempt - 1, due_at=now())
            return replace(job, state=JobState.CANCELLED, finished_at=now())
        except Exception as error:
            return self._fail(job, error)

    def _fail(self, job: Job, error: Exception) -> Job:
        """Return the job as it is after an error: back in the line where another try may help, else failed."""
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

    async def _report(self, run: _Run) -> None:
        """Tell that a job runs and how far it is; what comes within a second is gathered, its last word kept."""
        run.control.changed.set()
        while True:
            await run.control.changed.wait()
            run.control.changed.clear()
            async with run.telling:
                try:
                    await self._store.progress(run.job.id, run.control.progress)
                except StorageError as error:
                    log.warning("progress of job %d is not kept: %s", run.job.id, error.detail)
                await self._tell(replace(run.job, progress=run.control.progress))
            await self._clock.sleep(self._timing.report)

    async def _tell(self, job: Job) -> None:
        listener = self._listeners.get(job.request.bot)
        if listener is None or (self._closing and not job.state.is_over):
            return
        try:
            await listener(job)
        except Exception:
            log.exception("job %d: its bot could not be told", job.id)

    async def _beat(self) -> None:
        """Renew leases, and look at the table for what is due and what others left."""
        while True:
            await self._clock.sleep(self._timing.beat)
            try:
                await self._renew()
            except StorageError as error:
                log.warning("leases are not renewed: %s", error.detail)
            except Exception:
                log.exception("leases are not renewed")
            self._wake_all()
            self._send_pulse()

    async def _renew(self) -> None:
        held = [*self._running, *self._ending]
        if not held:
            return
        kept = await self._store.renew(held, self._lease())
        for job_id in set(held) - kept:
            # Cancelled from another process, or taken over because we stood still for too long.
            if (run := self._running.get(job_id)) is not None:
                run.cancel()

    def _lease(self) -> Lease:
        return Lease(self._owner, self._clock.now() + timedelta(seconds=self._timing.lease))

    def _wake_all(self) -> None:
        for wake in self._wakes.values():
            wake.set()

    def _send_pulse(self) -> None:
        self._pulse.set()
        self._pulse = asyncio.Event()
