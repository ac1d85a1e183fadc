"""Lists of jobs, as the API sees them."""

from datetime import datetime
from typing import Protocol

from beseda.domain.job_list import JobFilter, JobLine


class JobList(Protocol):
    """Jobs, newest first. Every method raises StorageError."""

    async def page(
        self, wanted: JobFilter, *, limit: int, offset: int = 0, before: tuple[datetime, int] | None = None
    ) -> list[JobLine]:
        """Return jobs; `before` is the creation time and number of the previous page's last one."""
        ...

    async def count(self, wanted: JobFilter) -> int:
        """Return the number of jobs that match the filter."""
        ...

    async def find(self, job_id: int) -> JobLine | None:
        """Return a job, or None."""
        ...
