"""Background jobs behind one protocol: run in this process, or by workers on other machines.

A handler is one async function that receives a job. It is called again if its process died, so it must be idempotent by
the job's id. A job is cancelled by cancelling its task, so a handler must end its subprocesses on cancellation.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeAlias

from beseda.domain.job import Job, JobLease, JobRequest, Progress


class JobControl(Protocol):
    """Interface of a running job to its queue."""

    def report(self, done: float, total: float = 0.0, note: str = "") -> None:
        """Report the progress of the job.

        This is cheap: reports are stored and shown at most about once a second, and the last one always is.
        """
        ...


JobHandler: TypeAlias = Callable[[Job, JobControl], Awaitable[Mapping[str, object]]]
JobListener: TypeAlias = Callable[[Job], Awaitable[None]]


class JobQueue(Protocol):
    """Queue of background jobs. Every method raises StorageError if the database does not answer."""

    async def enqueue(self, request: JobRequest) -> Job:
        """Store the job and return it. If a job with the same id exists, return that one unchanged."""
        ...

    async def enqueue_alone(self, request: JobRequest) -> Job:
        """Store the job unless one of its kind and bot is queued or running. Return the stored or the existing job."""
        ...

    async def cancel(self, job_id: int) -> bool:
        """Cancel an unfinished job; the process that runs it cancels its task. Return False if there is no such job."""
        ...

    async def find(self, job_id: int) -> Job | None:
        """Return the current state of the job, or None."""
        ...

    async def position(self, job_id: int) -> int:
        """Return the number of jobs before it in its slot, or 0 if it is next, running or finished."""
        ...

    async def wait(self, job_id: int) -> Job:
        """Return the job once it is finished. Raises NotFoundError if it does not exist."""
        ...

    def register(self, kind: str, handler: JobHandler, *, bot: str = "") -> None:
        """Register the handler of a kind of job, for every bot or for one.

        It must be registered in the process that runs the jobs. Raises ValueError if there is a handler already.
        """
        ...

    def listen(self, bot: str, listener: JobListener) -> None:
        """Notify a bot of every change to its jobs, progress included. Notifications of one job are sequential."""
        ...


class JobStore(Protocol):
    """The table of jobs. Each method is one transaction and raises StorageError."""

    async def add(self, request: JobRequest, *, alone: bool = False) -> Job:
        """Store a queued job and return it, or the existing one of this id.

        With `alone`, an unfinished job of its kind and bot is returned as well. The position in the slot's queue is
        fair: the first job of each person comes before the second job of any. Raises IdTakenError if the id belongs to
        a job of another kind or bot.
        """
        ...

    async def find(self, job_id: int) -> Job | None:
        """Return a job, or None."""
        ...

    async def find_all(self, job_ids: Sequence[int]) -> list[Job]:
        """Return those of these jobs that exist."""
        ...

    async def position(self, job_id: int) -> int:
        """Return the number of queued jobs before it in its slot, or 0 if it is not queued."""
        ...

    async def publish_next(self, slot: str, stale: datetime, limit: int) -> list[int]:
        """Mark due jobs as sent to a broker now and return their ids, from the first `limit` jobs of the queue.

        A sent job is due again if its lease expired since, or if it was sent before `stale` and has not been started.
        """
        ...

    async def claim(self, slot: str, wanted: Sequence[tuple[str, str]], lease: JobLease) -> Job | None:
        """Start the next job of a slot that is due or has an expired lease, and return it, or None.

        `wanted` contains pairs of a bot ("" for any) and a kind for which the caller has a handler. A job that was lost
        for the third time, or cancelled meanwhile, is returned as finished.
        """
        ...

    async def renew(self, job_ids: Sequence[int], lease: JobLease) -> set[int]:
        """Renew the leases and return the ids of the jobs that the caller still owns and that are not cancelled."""
        ...

    async def progress(self, job_id: int, progress: Progress) -> None:
        """Store the progress of a job."""
        ...

    async def settle(self, job: Job, owner: str) -> bool:
        """Store state, attempt, result, reason and due time. Return False if the job no longer has this owner."""
        ...

    async def cancel(self, job_id: int) -> Job | None:
        """Cancel a queued job, or request the end of a running one, and return it. Return None if it is neither."""
        ...

    async def take_over(self, owners: Sequence[str]) -> int:
        """End the leases of owners that are known to be dead and return the number of affected jobs."""
        ...

    async def owners(self) -> set[str]:
        """Return the owners of the leases on running jobs."""
        ...

    async def purge(self, before: datetime) -> int:
        """Delete jobs that were finished before then and return their number."""
        ...
