"""Scheduled jobs and the scheduler that enqueues them.

Each period of a kind is one job: its id is derived from the kind and the moment at which the period began. So with two
schedulers, a restarted scheduler or a clock that was set back, the second request finds the existing job. At every look
the job of the current period is enqueued if it does not exist yet: after a night without any scheduler the job of the
last period runs once, and those of earlier periods do not run.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

from beseda.core.clock import Clock
from beseda.core.errors import NotFoundError, StorageError
from beseda.engine.jobs.base import JobQueue
from beseda.engine.jobs.model import Job, JobRequest, derive_id

log = logging.getLogger(__name__)

_LOOK_EVERY = 30.0  # seconds at most between two looks: a clock may be set forward meanwhile
_DAY = timedelta(days=1)
_LONGEST = timedelta(
    days=7
)  # jobs that are over are kept a little longer: while one is there it is not asked for again
_EPOCH = datetime(2024, 1, 1, tzinfo=UTC)  # a Monday


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A kind of job that runs once in every period. A period of whole days begins `at` that time of day in UTC.

    With `alone` it is not enqueued while another job of its kind is queued or running.

    Raises ValueError for a period over a week, or one that is not made of whole seconds.
    """

    kind: str
    every: timedelta
    slot: str = "text"
    at: time | None = None
    payload: Mapping[str, object] = field(default_factory=dict)
    alone: bool = False

    def __post_init__(self) -> None:
        if not timedelta(seconds=1) <= self.every <= _LONGEST or self.every.microseconds:
            raise ValueError(f"{self.kind}: a period is made of whole seconds, up to a week")
        if self.at is not None and self.every % _DAY:
            raise ValueError(f"{self.kind}: a time of day goes with whole days")

    def begin(self, now: datetime) -> datetime:
        """Return the beginning of the period that contains `now`."""
        at = self.at or time()
        origin = _EPOCH + timedelta(hours=at.hour, minutes=at.minute, seconds=at.second)
        return origin + (now - origin) // self.every * self.every

    def request(self, now: datetime) -> JobRequest:
        """Return the job of the period that contains `now`."""
        begun = self.begin(now)
        number = derive_id("schedule", self.kind, int(begun.timestamp()))
        return JobRequest(number, self.kind, {**self.payload, "period": begun.isoformat()}, slot=self.slot)


class Scheduler:
    """Enqueues the jobs that are due."""

    def __init__(self, queue: JobQueue, schedule: Sequence[Scheduled], clock: Clock) -> None:
        self._queue = queue
        self._schedule = schedule
        self._clock = clock
        self._last: dict[str, int] = {}

    async def look(self) -> list[Job]:
        """Enqueue the jobs of the current periods and return the enqueued ones. Raises StorageError."""
        now = self._clock.now()
        return [job for entry in self._schedule if (job := await self._ask(entry, now)) is not None]

    async def run(self) -> None:
        """Enqueue jobs that are due until cancelled. If the database is unavailable, the next look retries."""
        while True:
            try:
                await self.look()
            except StorageError as error:
                log.warning("the schedule waits: %s", error.detail)
            except Exception:
                log.exception("the schedule waits")  # a bug, which must not stop all the rest
            await self._clock.sleep(self._find_pause())

    async def _ask(self, entry: Scheduled, now: datetime) -> Job | None:
        request = entry.request(now)
        last = self._last.get(entry.kind)
        if last == request.id or (last is not None and not await self._is_over(last)):
            return None  # where nobody works, jobs of one kind do not pile up
        job = await (self._queue.enqueue_alone(request) if entry.alone else self._queue.enqueue(request))
        self._last[entry.kind] = job.id
        return job

    async def _is_over(self, job_id: int) -> bool:
        try:
            job = await self._queue.find(job_id)
        except NotFoundError:
            return True
        return job is None or job.state.is_over

    def _find_pause(self) -> float:
        now = self._clock.now()
        next_ones = [(entry.begin(now) + entry.every - now).total_seconds() for entry in self._schedule]
        return max(0.05, min([_LOOK_EVERY, *next_ones]))
