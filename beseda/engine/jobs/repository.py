"""Jobs in SQL: one queue per slot, fair among people, and leases on running jobs.

The position in the queue is a ticket that is issued once: at least the lowest unfinished one (so that nothing overtakes
people that have waited), and one above the person's own last ticket. Thus the first job of each person comes before the
second job of any, and a position is found by comparing two numbers.

Leases use the clock of the database if it has one, because clocks of machines differ: times passed in by the caller are
shifted to it.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, and_, false, func, or_, select, true, tuple_, update
from sqlalchemy import delete as sql_delete
from sqlalchemy.dialects import postgresql, sqlite

from beseda.core import metrics
from beseda.core.background_pace import BackgroundPace
from beseda.core.clock import Clock, SystemClock
from beseda.core.errors import IdTakenError
from beseda.db.database import Database
from beseda.db.mapping import JSON, RowMapping
from beseda.engine.jobs.model import CRASHED, MAX_LOSSES, Job, JobLease, JobRequest, JobState, Progress
from beseda.engine.jobs.tables import jobs

_JOBS = RowMapping(Job, jobs)
_PURGE_CHUNK = 500
_QUEUED, _RUNNING = JobState.QUEUED.value, JobState.RUNNING.value


class JobRepository:
    """Jobs in SQL. Every method raises StorageError if the database rejects the work or is unavailable."""

    def __init__(self, database: Database, clock: Clock | None = None, *, shared: bool = False) -> None:
        """`clock` is the clock of the callers; with `shared`, PostgreSQL's clock is used for stored times."""
        self._database = database
        self._clock = clock or SystemClock()
        self._shared = shared

    async def add(self, request: JobRequest, *, alone: bool = False) -> Job:
        """Store a queued job and return it, or the existing one of this id.

        With `alone`, an unfinished job of its kind and bot is returned as well. Raises IdTakenError.
        """

        def work(connection: Connection) -> Job:
            known = _find_open(connection, request) if alone else None
            return known or _add(connection, request, self._now(connection))

        return await self._database.write(work)

    async def find(self, job_id: int) -> Job | None:
        """Return a job, or None."""
        return await self._database.read(lambda connection: _find(connection, job_id))

    async def find_all(self, job_ids: Sequence[int]) -> list[Job]:
        """Return those of these jobs that exist."""
        query = select(jobs).where(jobs.c.id.in_(job_ids))
        return await self._database.read(lambda connection: _JOBS.load_all(connection.execute(query)))

    async def publish_next(self, slot: str, stale: datetime, limit: int) -> list[int]:
        """Mark due jobs as sent to a broker now and return their ids, from the first `limit` jobs of the queue."""

        def work(connection: Connection) -> list[int]:
            shift = self._shift(connection)
            return _publish(connection, (slot, limit), stale + shift, self._clock.now() + shift)

        return await self._database.write(work)

    async def position(self, job_id: int) -> int:
        """Return the number of queued jobs before it in its slot, or 0 if it is not queued."""
        return await self._database.read(lambda connection: _count_before(connection, job_id))

    async def claim(self, slot: str, wanted: Sequence[tuple[str, str]], lease: JobLease) -> Job | None:
        """Start the next job of a slot that is due or has an expired lease, and return it.

        A job that was lost for the third time, or cancelled meanwhile, is returned as finished.
        """

        def work(connection: Connection) -> Job | None:
            shift = self._shift(connection)
            held = replace(lease, until=lease.until + shift)
            return _claim(connection, (slot, wanted), held, self._clock.now() + shift)

        return await self._database.write(work)

    async def renew(self, job_ids: Sequence[int], lease: JobLease) -> set[int]:
        """Renew the leases and return the ids of the jobs that the caller still owns and that are not cancelled."""
        ours = and_(jobs.c.id.in_(job_ids), jobs.c.owner == lease.owner, jobs.c.state == _RUNNING)

        def work(connection: Connection) -> set[int]:
            until = lease.until + self._shift(connection)
            connection.execute(update(jobs).where(ours).values(lease_until=until))
            return set(connection.execute(select(jobs.c.id).where(ours, jobs.c.cancelling.is_(False))).scalars())

        return await self._database.write(work)

    async def progress(self, job_id: int, progress: Progress) -> None:
        """Store the progress of a job."""
        values = {"done": progress.done, "total": progress.total, "note": progress.note}
        change = update(jobs).where(jobs.c.id == job_id, jobs.c.state == _RUNNING).values(values)
        await self._database.write(lambda connection: connection.execute(change).rowcount)

    async def settle(self, job: Job, owner: str) -> bool:
        """Store state, attempt, result, reason and due time. Return False if the job no longer has this owner."""
        # Where the answer to an earlier commit got lost the row has no owner any more, but is as we left it: begun when
        # we began it, for another may have done meanwhile what we stood still over.
        as_left = and_(
            jobs.c.owner == "",
            jobs.c.state == job.state.value,
            jobs.c.attempt == job.attempt,
            jobs.c.started_at == job.started_at,
        )
        ours = and_(jobs.c.id == job.id, or_(jobs.c.owner == owner, as_left))

        def work(connection: Connection) -> bool:
            values = _settled_values(job, self._clock.now(), self._shift(connection))
            return connection.execute(update(jobs).where(ours).values(values)).rowcount > 0

        kept = await self._database.write(work)
        if kept and job.state.is_over:
            seconds = (job.finished_at - job.started_at).total_seconds() if job.finished_at and job.started_at else None
            metrics.job(job.request.kind, job.state.value, seconds)
        return kept

    async def cancel(self, job_id: int) -> Job | None:
        """Cancel a queued job, or request the end of a running one, and return it. Return None if it is neither."""

        def work(connection: Connection) -> Job | None:
            at_once = {"state": JobState.CANCELLED.value, "finished_at": self._now(connection), "cancelling": True}
            job = jobs.c.id == job_id
            ended = connection.execute(update(jobs).where(job, jobs.c.state == _QUEUED).values(at_once)).rowcount
            asked = connection.execute(update(jobs).where(job, jobs.c.state == _RUNNING).values(cancelling=True))
            return _find(connection, job_id) if ended or asked.rowcount else None

        return await self._database.write(work)

    async def take_over(self, owners: Sequence[str]) -> int:
        """End the leases of owners that are known to be dead and return the number of affected jobs."""
        theirs = and_(jobs.c.owner.in_(owners), jobs.c.finished_at.is_(None), jobs.c.state == _RUNNING)

        def work(connection: Connection) -> int:
            return connection.execute(update(jobs).where(theirs).values(lease_until=self._now(connection))).rowcount

        return await self._database.write(work)

    async def owners(self) -> set[str]:
        """Return the owners of the leases on running jobs."""
        query = select(jobs.c.owner).where(jobs.c.finished_at.is_(None), jobs.c.state == _RUNNING).distinct()
        return await self._database.read(lambda connection: set(connection.execute(query).scalars()))

    async def purge(self, before: datetime) -> int:
        """Delete jobs that were finished before then and return their number."""
        old = select(jobs.c.id).where(jobs.c.finished_at < before).limit(_PURGE_CHUNK)
        total, pace = 0, BackgroundPace()
        while True:
            count = await self._database.write(
                lambda connection: connection.execute(sql_delete(jobs).where(jobs.c.id.in_(old))).rowcount
            )
            total += count
            if count < _PURGE_CHUNK:
                return total
            await pace.pause()

    def _now(self, connection: Connection) -> datetime:
        return self._clock.now() + self._shift(connection)

    def _shift(self, connection: Connection) -> timedelta:
        """Return the difference between the clock of the stored times and that of the callers."""
        if not self._shared or connection.dialect.name != "postgresql":
            return timedelta()
        now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
        return now - self._clock.now()


def _add(connection: Connection, request: JobRequest, now: datetime) -> Job:
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    queued = _JOBS.values(Job(request, JobState.QUEUED, now, now))
    values = {**queued, "ticket": _deal_ticket(connection, request), "owner": ""}
    connection.execute(insert(jobs).values(values).on_conflict_do_nothing(index_elements=["id"]))
    stored = _find(connection, request.id)
    assert stored is not None  # noqa: S101 - the row has just been written in this transaction
    # Jobs of people have the ids of their turns, which have been checked for whose they are.
    if (stored.request.kind, stored.request.bot) != (request.kind, request.bot):
        raise IdTakenError(f"job {request.id} is another one: {stored.request.kind}")
    return stored


def _find_open(connection: Connection, request: JobRequest) -> Job | None:
    same = and_(jobs.c.slot == request.slot, jobs.c.kind == request.kind, jobs.c.bot == request.bot)
    query = select(jobs).where(same, jobs.c.finished_at.is_(None)).order_by(jobs.c.ticket, jobs.c.id).limit(1)
    row = connection.execute(query).one_or_none()
    return _JOBS.load(row) if row is not None else None


def _deal_ticket(connection: Connection, request: JobRequest) -> int:
    unfinished = and_(jobs.c.slot == request.slot, jobs.c.finished_at.is_(None))
    own = and_(jobs.c.bot == request.bot, jobs.c.user_id == request.user_id)
    row = connection.execute(
        select(func.min(jobs.c.ticket), func.max(jobs.c.ticket).filter(own)).where(unfinished)
    ).one()
    lowest, last_own = row
    return max(lowest or 0, last_own + 1 if last_own is not None else 0)


def _find(connection: Connection, job_id: int) -> Job | None:
    row = connection.execute(select(jobs).where(jobs.c.id == job_id)).one_or_none()
    return _JOBS.load(row) if row is not None else None


def _count_before(connection: Connection, job_id: int) -> int:
    row = connection.execute(select(jobs).where(jobs.c.id == job_id)).one_or_none()
    if row is None or row.state != _QUEUED:
        return 0
    before = tuple_(jobs.c.ticket, jobs.c.id) < tuple_(row.ticket, row.id)
    query = select(func.count()).where(
        jobs.c.slot == row.slot, jobs.c.finished_at.is_(None), jobs.c.state == _QUEUED, before
    )
    return int(connection.execute(query).scalar_one())


def _line(slot: str, now: datetime, *, patient: bool = False) -> Select[Any]:
    """Return the query for the jobs of a slot that can be started, in order. Rows locked by others are skipped."""
    waits = and_(jobs.c.state == _QUEUED, jobs.c.due_at <= now)
    lost = false() if patient else and_(jobs.c.state == _RUNNING, jobs.c.lease_until <= now)
    return (
        select(jobs)
        .where(jobs.c.slot == slot, jobs.c.finished_at.is_(None), or_(waits, lost))
        .order_by(jobs.c.ticket, jobs.c.id)
        .with_for_update(skip_locked=True)  # SQLite has one writer at a time, and leaves this out
    )


def _publish(connection: Connection, what: tuple[str, int], stale: datetime, now: datetime) -> list[int]:
    slot, limit = what
    rows = connection.execute(_line(slot, now).limit(limit)).all()
    due = [
        row.id for row in rows if row.published_at is None or row.published_at < max(stale, row.lease_until or stale)
    ]
    if due:
        connection.execute(update(jobs).where(jobs.c.id.in_(due)).values(published_at=now))
    return due


def _claim(
    connection: Connection, what: tuple[str, Sequence[tuple[str, str]]], lease: JobLease, now: datetime
) -> Job | None:
    slot, wanted = what
    can_be_done = or_(*(and_(jobs.c.kind == kind, jobs.c.bot == bot if bot else true()) for bot, kind in wanted))
    query = _line(slot, now, patient=lease.patient).where(can_be_done).limit(1)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    job = _start(_JOBS.load(row), now, again=row.owner == lease.owner)
    over = job.state.is_over
    values = {
        "state": job.state.value,
        "attempt": job.attempt,
        "losses": job.losses,
        "reason": job.reason,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        "owner": "" if over else lease.owner,
        "lease_until": None if over else lease.until,
    }
    connection.execute(update(jobs).where(jobs.c.id == job.id).values(values))
    return job


def _start(job: Job, now: datetime, *, again: bool) -> Job:
    """Return the job in its new state; `again` if its lease expired while its process was still alive."""
    losses = job.losses + (job.state is JobState.RUNNING and not again)
    if job.cancelling:
        return replace(job, state=JobState.CANCELLED, losses=losses, finished_at=now)
    if losses >= MAX_LOSSES:
        return replace(job, state=JobState.FAILED, losses=losses, reason=CRASHED, finished_at=now)
    # A try that ended with its process is not held against the job.
    attempt = job.attempt if job.state is JobState.RUNNING else job.attempt + 1
    return replace(job, state=JobState.RUNNING, attempt=attempt, losses=losses, started_at=now)


def _settled_values(job: Job, now: datetime, shift: timedelta) -> dict[str, object]:
    return {
        "state": job.state.value,
        "attempt": job.attempt,
        "done": job.progress.done,
        "total": job.progress.total,
        "note": job.progress.note,
        "result": JSON.dump(job.result),
        "reason": job.reason,
        "due_at": job.due_at + shift,
        "finished_at": (job.finished_at or now) + shift if job.state.is_over else None,
        "owner": "",
        "lease_until": None,
        "published_at": None,
    }
