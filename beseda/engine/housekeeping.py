"""Periodic deletion of old data, by the job `record.tidy`."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from beseda.core.clock import Clock
from beseda.engine.files.service import FileService
from beseda.engine.jobs.base import JobControl, JobHandler
from beseda.engine.jobs.model import Job
from beseda.engine.jobs.repository import JobRepository
from beseda.engine.jobs.schedule import Scheduled
from beseda.engine.updates.repository import UpdateRepository

log = logging.getLogger(__name__)

SCHEDULE = (Scheduled("record.tidy", every=timedelta(hours=1), slot="light"),)

_KEPT = timedelta(hours=48)  # Telegram hands an update out for 24 hours; twice that is enough to know a repetition
_JOBS_KEPT = timedelta(days=8)  # to look into what went wrong; longer than the longest period of the schedule
_SWEEP_EVERY = timedelta(days=1)  # it looks at every file there is


class Housekeeping:
    """Deletes records of updates that cannot be redelivered, old jobs, and expired files.

    Files are kept for `keep_days`; 0 keeps them permanently.
    """

    def __init__(
        self, updates: UpdateRepository, jobs: JobRepository, files: FileService, clock: Clock, *, keep_days: int = 0
    ) -> None:
        self._updates = updates
        self._jobs = jobs
        self._files = files
        self._clock = clock
        self._keep_days = keep_days
        self._swept_at: datetime | None = None

    async def tidy(self) -> int:
        """Tidy up once and return how many updates were forgotten."""
        now = self._clock.now()
        count = await self._updates.purge(now - _KEPT)
        if self._keep_days:
            gone = await self._files.expire(now - timedelta(days=self._keep_days))
            if gone.count:
                log.info("%d files of %d bytes were kept for %d days", gone.count, gone.size, self._keep_days)
        await self._jobs.purge(now - _JOBS_KEPT)
        if self._swept_at is None or now - self._swept_at >= _SWEEP_EVERY:
            await self._files.sweep()
            self._swept_at = now
        return count


def tasks(housekeeping: Housekeeping) -> Mapping[str, JobHandler]:
    """Return the handler that deletes old data."""

    async def tidy(_job: Job, _control: JobControl) -> Mapping[str, object]:
        return {"updates": await housekeeping.tidy()}

    return {"record.tidy": tidy}
