"""Heavy work behind one protocol: a queue in this process, or workers on other machines.

A handler is one async function of a job. It is called again after its process died, so it is idempotent by the job's
id; it is cancelled by cancelling its task, so its subprocesses end by their own cancellation.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeAlias

from beseda.domain.job import Job, JobRequest, Lease, Progress


class JobControl(Protocol):
    """What a running job can do with its queue."""

    def report(self, done: float, total: float = 0.0, note: str = "") -> None:
        """Say how far the job is. Cheap: it is stored and shown at most about once a second, the last one always."""
        ...


JobHandler: TypeAlias = Callable[[Job, JobControl], Awaitable[Mapping[str, object]]]
JobListener: TypeAlias = Callable[[Job], Awaitable[None]]


class JobQueue(Protocol):
    """Where heavy work is handed in. Every method raises StorageError when the record does not answer."""

    async def enqueue(self, request: JobRequest) -> Job:
        """Store the job and return it; one with the same id that is there already is returned as it stands."""
        ...

    async def enqueue_alone(self, request: JobRequest) -> Job:
        """Store the job unless one of its kind and bot is queued or running; return the one that is there then."""
        ...

    async def cancel(self, job_id: int) -> bool:
        """Cancel a job that is not over; its task is cancelled where it runs. False: there is nothing to cancel."""
        ...

    async def find(self, job_id: int) -> Job | None:
        """Return the job as it stands, or None."""
        ...

    async def position(self, job_id: int) -> int:
        """Return how many jobs wait before it in its slot; 0 where it is next, runs or is over."""
        ...

    async def wait(self, job_id: int) -> Job:
        """Return the job once it is over. Raises NotFoundError where there is none."""
        ...

    def register(self, kind: str, handler: JobHandler, *, bot: str = "") -> None:
        """Say what does a kind of job, for every bot or for one; where jobs run elsewhere, that has to be said there.

        Raises ValueError where there is a handler already.
        """
        ...

    def listen(self, bot: str, listener: JobListener) -> None:
        """Have a bot told of every change to its jobs, progress included, one after another for one job."""
        ...


class JobStore(Protocol):
    """The table of jobs. Each method is one transaction; every one raises StorageError."""

    async def add(self, request: JobRequest, *, alone: bool = False) -> Job:
        """Store a queued job, or return the one of this id; with `alone` also one of its kind and bot that is not over.

        Its place in the slot's line is fair among people: before the second job of anybody stands the first of each.
        """
        ...

    async def find(self, job_id: int) -> Job | None:
        """Return a job, or None."""
        ...

    async def find_all(self, job_ids: Sequence[int]) -> list[Job]:
        """Return those of these jobs that there are."""
        ...

    async def position(self, job_id: int) -> int:
        """Return how many queued jobs of its slot stand before it; 0 for one that is not queued."""
        ...

    async def publish_next(self, slot: str, stale: datetime, limit: int) -> list[int]:
        """Mark jobs as handed to a broker now, and return them: of the first `limit` of the line those that are due.

        A job whose lease ran out since it was handed over is due too, and one that was handed over before `stale` and
        that nobody has begun.
        """
        ...

    async def claim(self, slot: str, wanted: Sequence[tuple[str, str]], lease: Lease) -> Job | None:
        """Start the next job of a slot that is due, or whose lease has run out, and return it.

        `wanted` names at least one bot ("" for any) with a kind that the caller has a handler for.

        A job lost for the third time, or cancelled meanwhile, is returned as over.
        """
        ...

    async def renew(self, job_ids: Sequence[int], lease: Lease) -> set[int]:
        """Renew the leases and return the ids of jobs that are to go on: still ours, and nobody cancelled them."""
        ...

    async def progress(self, job_id: int, progress: Progress) -> None:
        """Keep how far a job is."""
        ...

    async def settle(self, job: Job, owner: str) -> bool:
        """Store state, attempt, result, reason and due time; False where the job is no longer this owner's."""
        ...

    async def cancel(self, job_id: int) -> Job | None:
        """Cancel a queued job, ask for the end of a running one, and return it; None where there is none to cancel."""
        ...

    async def take_over(self, owners: Sequence[str]) -> int:
        """End the leases of owners that are known to be dead and return how many jobs that concerned."""
        ...

    async def owners(self) -> set[str]:
        """Return who holds leases."""
        ...

    async def purge(self, before: datetime) -> int:
        """Delete jobs that were over before then and return how many."""
        ...
