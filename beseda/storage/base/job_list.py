"""Jobs by the hundred, as the API sees them."""

from datetime import datetime
from typing import Protocol

from beseda.domain.job_list import JobFilter, JobLine


class JobList(Protocol):
    """Jobs, newest first. Every method raises StorageError."""

    async def page(
        self, wanted: JobFilter, *, limit: int, offset: int = 0, before: tuple[datetime, int] | None = None
    ) -> list[JobLine]:
        """Return jobs; `before` is the creation time and the number of the last one seen."""
        ...

    async def count(self, wanted: JobFilter) -> int:
        """Return how many jobs the filter lets through."""
        ...

    async def find(self, job_id: int) -> JobLine | None:
        """Return a job, or None."""
        ...
