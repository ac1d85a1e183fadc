"""Common base of the queues over the table of jobs.

The row is written first and is the source of truth, in whichever process a job runs.
"""

from collections.abc import Mapping

from beseda.core.clock import Clock
from beseda.core.errors import NotFoundError
from beseda.engine.jobs.base import JobHandler, JobListener
from beseda.engine.jobs.executor import Runner, Timing
from beseda.engine.jobs.model import Job, JobRequest
from beseda.engine.jobs.notifier import News
from beseda.engine.jobs.repository import JobRepository
from beseda.ephemeral.base import Bus


class TableQueue:
    """The part of a `JobQueue` that does not depend on the way of dispatch; `_hand_out` is the dispatch."""

    def __init__(
        self, store: JobRepository, slots: Mapping[str, int], clock: Clock, timing: Timing | None = None
    ) -> None:
        """`slots` maps each slot to the number of its jobs that may run here at the same time, which may be 0."""
        self._store = store
        self._slots = dict(slots)
        self._clock = clock
        self._timing = timing or Timing()
        self._news = News(store, clock, self._holds)
        self._runner = Runner(store, clock, self._timing, self._news.tell)
        self._news.on_cancel = self._runner.cancel

    def connect(self, hints: Bus) -> None:
        """Exchange notifications of changes with other processes, from the start on."""
        self._news.connect(hints)

    def register(self, kind: str, handler: JobHandler, *, bot: str = "") -> None:
        """Register the handler of a kind, for every bot or for one. Raises ValueError if there is one already."""
        self._runner.register(kind, handler, bot=bot)
        self._news.attend(bot)

    def listen(self, bot: str, listener: JobListener) -> None:
        """Notify a bot of every change to its jobs, in whichever process they run.

        Notifications may be lost if the process dies: the handler itself must send the results that a person must
        receive.
        """
        self._news.listen(bot, listener)

    async def enqueue(self, request: JobRequest) -> Job:
        """Store the job and return it, or the one of the same id. Raises ValueError for an unknown slot."""
        return await self._add(request, alone=False)

    async def enqueue_alone(self, request: JobRequest) -> Job:
        """Store the job unless one of its kind and bot is queued or running. Return the stored or the existing job."""
        return await self._add(request, alone=True)

    async def _add(self, request: JobRequest, *, alone: bool) -> Job:
        if request.slot not in self._slots:
            raise ValueError(f"there is no slot {request.slot!r}")
        job = await self._store.add(request, alone=alone)
        self._news.follow(job)
        self._hand_out(request.slot)
        return job

    async def cancel(self, job_id: int) -> bool:
        """Cancel an unfinished job. Its task is cancelled immediately here, and within seconds in another process."""
        job = await self._store.cancel(job_id)
        if job is None:
            return False
        if self._runner.cancel(job_id):
            return True
        if job.state.is_over:
            await self._news.tell(job)
        else:
            await self._news.hint(job, cancel=True)
        return True

    async def find(self, job_id: int) -> Job | None:
        """Return the current state of the job, or None."""
        job = await self._store.find(job_id)
        if job is not None:
            self._news.follow(job)
        return job

    async def position(self, job_id: int) -> int:
        """Return the number of jobs before it in its slot, or 0 if it is next, running or finished."""
        return await self._store.position(job_id)

    async def wait(self, job_id: int) -> Job:
        """Return the job once it is finished. Raises NotFoundError if it does not exist."""
        while True:
            seen = self._news.changes
            job = await self._store.find(job_id)
            if job is None:
                raise NotFoundError(f"job {job_id}")
            if job.state.is_over:
                return job
            await self._news.wait(seen)

    def _hand_out(self, slot: str) -> None:
        """Dispatch the waiting jobs of a slot."""
        raise NotImplementedError

    def _holds(self, job_id: int) -> bool:
        return self._runner.holds(job_id)
