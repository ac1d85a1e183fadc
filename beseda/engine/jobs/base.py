"""Background jobs behind one protocol: run in this process, or by workers on other machines.

A handler is one async function that receives a job. It is called again if its process died, so it must be idempotent by
the job's id. A job is cancelled by cancelling its task, so a handler must end its subprocesses on cancellation.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, TypeAlias

from beseda.engine.jobs.model import Job, JobRequest


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
