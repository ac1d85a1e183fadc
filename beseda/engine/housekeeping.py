"""Periodic deletion of old data, by the job `record.tidy`."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Shelves:
    """Finished jobs and files to clean up. Files are kept for `keep_days`; 0 keeps them permanently."""

    jobs: JobRepository
    files: FileService
    keep_days: int = 0


class Housekeeping:
    """Deletes records of updates that cannot be redelivered, old jobs, and expired files."""

    def __init__(self, updates: UpdateRepository, clock: Clock, shelves: Shelves | None = None) -> None:
        self._updates = updates
        self._clock = clock
        self._shelves = shelves
        self._swept_at: datetime | None = None

    async def tidy(self) -> int:
        """Tidy up once and return how many updates were forgotten."""
        count = await self._updates.purge(self._clock.now() - _KEPT)
        if self._shelves is not None:
            await self._tidy_shelves(self._shelves)
        return count

    async def _tidy_shelves(self, shelves: Shelves) -> None:
        now = self._clock.now()
        if shelves.keep_days:
            gone = await shelves.files.expire(now - timedelta(days=shelves.keep_days))
            if gone.count:
                log.info("%d files of %d bytes were kept for %d days", gone.count, gone.size, shelves.keep_days)
        await shelves.jobs.purge(now - _JOBS_KEPT)
        if self._swept_at is None or now - self._swept_at >= _SWEEP_EVERY:
            await shelves.files.sweep()
            self._swept_at = now


def tasks(housekeeping: Housekeeping) -> Mapping[str, JobHandler]:
    """Return the handler that deletes old data."""

    async def tidy(_job: Job, _control: JobControl) -> Mapping[str, object]:
        return {"updates": await housekeeping.tidy()}

    return {"record.tidy": tidy}
