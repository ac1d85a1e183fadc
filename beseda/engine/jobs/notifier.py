"""Notifications of changes to a job: bots of this process are notified immediately, others by a hint on the bus.

A hint may be lost, so jobs of a bot that run in other processes are also polled every few seconds. A notification
always contains the state in the database.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from beseda.core.clock import Clock
from beseda.core.errors import StorageError
from beseda.core.tasks import end_tasks
from beseda.engine.jobs.base import JobListener
from beseda.engine.jobs.model import Job
from beseda.engine.jobs.repository import JobRepository
from beseda.ephemeral.base import Bus

log = logging.getLogger(__name__)

LOOK_EVERY = 3.0  # seconds between two looks at jobs that run elsewhere: as often as a progress message may be edited
_WAIT = 1.0  # seconds between two looks of somebody who waits for a job's end


@dataclass(slots=True, eq=False)
class _Followed:
    """A job that a bot of this process waits for; `lock` is held during a notification to keep them in order."""

    job: Job
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class News:
    """Notifies bots of changes to their jobs.

    `holds` returns whether a job runs in this process. Such a job causes its notifications itself.
    """

    def __init__(self, store: JobRepository, clock: Clock, holds: Callable[[int], bool]) -> None:
        self._store = store
        self._clock = clock
        self._holds = holds
        self._hints: Bus | None = None
        self._listeners: dict[str, JobListener] = {}
        self._followed: dict[int, _Followed] = {}
        self._attended: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._pulse = asyncio.Event()
        self._started = False
        self.closing = False
        self.on_cancel: Callable[[int], object] = lambda _job_id: None

    def connect(self, hints: Bus) -> None:
        """Exchange hints with other processes from `start` on."""
        self._hints = hints

    def start(self) -> None:
        """Begin to listen to other processes and to poll."""
        self._started = True
        for bot in self._attended:
            self._spawn(self._listen(bot))
        self._spawn(self._look_around())

    async def close(self) -> None:
        """Stop all notifications."""
        self.closing = True
        await end_tasks(self._tasks)

    def listen(self, bot: str, listener: JobListener) -> None:
        """Notify a bot of every change to its jobs."""
        self._listeners[bot] = listener
        self.attend(bot)

    def attend(self, bot: str) -> None:
        """Listen to hints of other processes about a bot's jobs."""
        if bot in self._attended:
            return
        self._attended.add(bot)
        if self._started:
            self._spawn(self._listen(bot))

    def follow(self, job: Job) -> None:
        """Follow a job, if a bot of this process waits for it."""
        if job.request.bot in self._listeners and not job.state.is_over:
            self._followed.setdefault(job.id, _Followed(job))

    async def tell(self, job: Job) -> None:
        """Notify the job's bot here, then the other processes, of a change that was made here."""
        self._send_pulse()
        await self._deliver(job)
        await self.hint(job)

    async def hint(self, job: Job, *, cancel: bool = False) -> None:
        """Ask other processes to read a job; with `cancel`, ask the process that runs it to end it."""
        if self._hints is not None:
            more = {"cancel": True} if cancel else {}
            await self._hints.publish(f"jobs:{job.request.bot}", {"job_id": job.id, **more})

    @property
    def changes(self) -> asyncio.Event:
        """The event that is set at the next change, for `wait`."""
        return self._pulse

    async def wait(self, pulse: asyncio.Event) -> None:
        """Wait until something may have changed since `changes` was read."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_WAIT):
                await pulse.wait()

    async def _deliver(self, job: Job) -> None:
        if job.state.is_over:
            self._followed.pop(job.id, None)
        listener = self._listeners.get(job.request.bot)
        if listener is None or (self.closing and not job.state.is_over):
            return
        try:
            await listener(job)
        except Exception:
            log.exception("job %d: its bot could not be notified", job.id)

    async def _listen(self, bot: str) -> None:
        if self._hints is None:
            return
        async with self._hints.subscribe(f"jobs:{bot}") as hints:
            async for hint in hints:
                job_id = hint.get("job_id")
                if not isinstance(job_id, int):
                    continue
                if hint.get("cancel"):
                    self.on_cancel(job_id)
                self._send_pulse()
                if job_id in self._followed and not self._holds(job_id):
                    self._spawn(self._look(job_id))

    async def _look_around(self) -> None:
        while True:
            await self._clock.sleep(LOOK_EVERY)
            wanted = [number for number in self._followed if not self._holds(number)]
            try:
                for job in await self._store.find_all(wanted) if wanted else ():
                    self._spawn(self._take(job))
            except StorageError as error:
                log.warning("jobs that run elsewhere cannot be looked at: %s", error.detail)

    async def _look(self, job_id: int) -> None:
        try:
            job = await self._store.find(job_id)
        except StorageError:
            return  # the next look around finds it
        if job is None:
            self._followed.pop(job_id, None)
        else:
            await self._take(job)

    async def _take(self, job: Job) -> None:
        followed = self._followed.get(job.id)
        if followed is None or (followed.lock.locked() and not job.state.is_over):
            return
        async with followed.lock:
            if self._followed.get(job.id) is followed and job != followed.job and not self._holds(job.id):
                followed.job = job
                await self._deliver(job)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _send_pulse(self) -> None:
        self._pulse.set()
        self._pulse = asyncio.Event()
