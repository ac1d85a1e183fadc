"""The unit of work: the only place that commits.

All entries queued during a transaction go into the next one, from any caller. One commit then serves many chats, which
makes durability nearly free: a single writer waits for one short transaction, a thousand writers for about two. A batch
that fails is halved until the faulty entry is alone, so that it fails only for its own caller.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Connection

from beseda.core.backoff import Backoff
from beseda.core.errors import LeaseLostError, StorageError
from beseda.core.outages import OutageLog
from beseda.db.failure import is_passing, to_storage_error
from beseda.db.statement import Params, Statement

log = logging.getLogger(__name__)

Row: TypeAlias = tuple[Statement, Params]
_BATCH_LIMIT = 128
_URGENT_LIMIT = 32  # entries of a batch with urgent ones in it: a short transaction
_BATCHES_BEFORE_LONG = 4
_QUEUE_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class SharedLook:
    """A read that an entry makes after its writes.

    Entries of a batch with the same `look` share one round trip to a server: `look` receives all their requests and
    returns as many results.
    """

    look: Callable[[Connection, Sequence[Any]], Sequence[object]]
    request: object


Work: TypeAlias = Callable[[Connection], object] | SharedLook


class WriteEntry:
    """The write of one caller: rows of shared statements, then a function that needs the connection.

    A `brief` entry takes well under a millisecond; the function of any other entry may take longer.
    """

    __slots__ = ("brief", "deadline", "error", "fence", "future", "result", "rows", "settled", "work")

    def __init__(self, rows: Sequence[Row], work: Work | None, future: asyncio.Future[object], deadline: float) -> None:
        self.rows = rows
        self.work = work
        self.brief = True
        self.future = future
        self.deadline = deadline
        self.fence = current_fence()
        self.settled = False
        self.result: object = None
        self.error: Exception | None = None

    def fail(self, error: Exception) -> None:
        """Settle the entry as failed."""
        self.settled, self.error = True, error


def commit_entries(connection: Connection, entries: Sequence[WriteEntry]) -> None:
    """Write `entries` in one transaction, or, if that fails, each half in a separate one.

    Raises transient errors (`is_passing`): then the unsettled entries are not written, or can be written again.
    """
    try:
        with connection.begin():
            _write(connection, entries)
    except Exception as error:
        if is_passing(error):
            raise
        if len(entries) == 1:
            entries[0].fail(to_storage_error(error))
            return
        middle = len(entries) // 2
        commit_entries(connection, entries[:middle])
        commit_entries(connection, entries[middle:])
    else:
        for entry in entries:
            entry.settled = True


def _write(connection: Connection, entries: Sequence[WriteEntry]) -> None:
    buckets: dict[Statement, list[Params]] = {}
    for entry in entries:
        for statement, params in entry.rows:
            bucket = buckets.get(statement)
            if bucket is None:
                buckets[statement] = [params]
            else:
                bucket.append(params)
    for statement in sorted(buckets, key=_rank):
        statement.run(connection, buckets[statement])
    # After all rows, so that a function can look at what its own entry wrote.
    sharing: dict[Callable[..., Sequence[object]], list[tuple[WriteEntry, object]]] = {}
    for entry in entries:
        if isinstance(entry.work, SharedLook):
            sharing.setdefault(entry.work.look, []).append((entry, entry.work.request))
        elif entry.work is not None:
            entry.result = entry.work(connection)
    for look, lookers in sharing.items():
        results = look(connection, [request for _, request in lookers])
        for (entry, _), result in zip(lookers, results, strict=True):
            entry.result = result


def _rank(statement: Statement) -> int:
    return statement.rank


class GroupWriter:
    """A bounded queue in front of one writing connection."""

    def __init__(self, run: Callable[[Sequence[WriteEntry]], Awaitable[None]], *, patience: float) -> None:
        """`run` commits entries on the connection; an entry waits up to `patience` seconds in an outage."""
        self._run = run
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._queue: deque[WriteEntry] = deque()
        self._long: deque[WriteEntry] = deque()
        self._passed = 0  # batches since a long entry began to wait
        self._urgent: deque[WriteEntry] = deque()
        self._idle: asyncio.Future[None] | None = None
        self._room = asyncio.Event()
        self._closing = False
        self._backoff = Backoff(first=0.05, cap=2.0)
        self._failure: Exception | None = None  # of the last try, where another one may help
        self._outage = OutageLog(log, "the database")
        self._pump_task = self._loop.create_task(self._pump(), name="sql-writer")

    async def submit(
        self, rows: Sequence[Row], work: Work | None = None, *, brief: bool = True, urgent: bool = False
    ) -> object:
        """Queue an entry, wait until it is committed, and return the result of `work`.

        An `urgent` entry, which is brief, goes before all others: until it is committed, a crash would repeat the
        action that it records. A caller that is cancelled stops waiting; its entry is written all the same. Raises
        StorageError if the entry is rejected, or if the database is unavailable for longer than the writer's patience.
        """
        deadline = self._loop.time() + self._patience
        while len(self._queue) + len(self._long) >= _QUEUE_LIMIT:
            await self._wait_for_room(deadline)
        if self._closing or self._pump_task.done():
            raise StorageError("the database is closed")
        future: asyncio.Future[object] = self._loop.create_future()
        entry = WriteEntry(rows, work, future, deadline)
        entry.brief = brief
        (self._urgent if urgent else self._queue if brief else self._long).append(entry)
        if self._idle is not None and not self._idle.done():
            self._idle.set_result(None)
        return await future

    async def _wait_for_room(self, deadline: float) -> None:
        self._room.clear()
        try:
            async with asyncio.timeout_at(deadline):
                await self._room.wait()
        except TimeoutError:
            raise StorageError("the database does not keep up: too many writes are waiting") from None

    async def close(self) -> None:
        """Write the queued entries, then stop."""
        self._closing = True
        if self._idle is not None and not self._idle.done():
            self._idle.set_result(None)
        await self._pump_task

    async def _pump(self) -> None:
        batch: list[WriteEntry] = []
        try:
            while self._is_waited_for() or not self._closing:
                if not self._is_waited_for():
                    # Woken in the next round of the loop: all who write in this round share the transaction.
                    self._idle = self._loop.create_future()
                    await self._idle
                    continue
                batch = self._take_batch()
                self._room.set()
                await self._commit(batch)
                _settle(batch)
                if self._is_waited_for():
                    await asyncio.sleep(0)  # a backend that needs no thread has not let anybody else in yet
        finally:
            closed = StorageError("the database is closed")
            left = (*batch, *self._urgent, *self._queue, *self._long)
            for entry in left:
                if not entry.settled:
                    entry.fail(closed)
            _settle(left)
            self._queue.clear()
            self._urgent.clear()
            self._long.clear()
            self._room.set()

    def _take_batch(self) -> list[WriteEntry]:
        """Take the urgent and brief entries, or the long ones: brief entries never wait inside a batch of long ones.

        Long entries are taken when no others wait, or at the latest after every few batches.
        """
        if self._long and (self._passed >= _BATCHES_BEFORE_LONG or not (self._urgent or self._queue)):
            self._passed = 0
            return _take(self._long, _BATCH_LIMIT)
        self._passed += bool(self._long)
        batch = _take(self._urgent, _BATCH_LIMIT)
        limit = max(len(batch), _URGENT_LIMIT) if batch else _BATCH_LIMIT
        return [*batch, *_take(self._queue, limit - len(batch))]

    def _is_waited_for(self) -> bool:
        return bool(self._queue or self._urgent or self._long)

    def _expire(self, batch: Sequence[WriteEntry]) -> list[WriteEntry]:
        """Fail entries with a stale lease, or with a deadline that passed during an outage, and return the others.

        An attempt on an unavailable database takes seconds: without a deadline, a long queue would go on failing for
        minutes.
        """
        now = self._loop.time()
        for entry in batch:
            if entry.fence is not None and not entry.fence():
                entry.fail(LeaseLostError("the lease ended before the write began"))
            elif self._failure is not None and now >= entry.deadline:
                entry.fail(to_storage_error(self._failure))
        return [entry for entry in batch if not entry.settled]

    async def _commit(self, batch: Sequence[WriteEntry]) -> None:
        attempt = 0
        while pending := self._expire([entry for entry in batch if not entry.settled]):
            try:
                await self._run(pending)
            except Exception as error:
                self._failure = error if is_passing(error) else None
                self._give_up(pending, error)
                if self._failure is not None:
                    self._outage.fail(to_storage_error(error))
                if not all(entry.settled for entry in batch):
                    await asyncio.sleep(self._backoff.delay(attempt))
                attempt += 1
            else:
                self._failure = None
                self._outage.recover()
                return

    def _give_up(self, entries: Sequence[WriteEntry], error: Exception) -> None:
        """Fail the entries that cannot or must not be retried."""
        now, passing = self._loop.time(), is_passing(error)
        for entry in entries:
            if not entry.settled and not (passing and now < entry.deadline):
                entry.fail(to_storage_error(error))


def _take(queue: deque[WriteEntry], limit: int) -> list[WriteEntry]:
    return [queue.popleft() for _ in range(min(limit, len(queue)))]


def _settle(entries: Sequence[WriteEntry]) -> None:
    for entry in entries:
        if entry.future.done():
            continue
        if entry.error is not None:
            entry.future.set_exception(entry.error)
        else:
            entry.future.set_result(entry.result)


Fence: TypeAlias = Callable[[], bool]
"""Returns whether the lease holds at this moment."""

_fence: ContextVar[Fence | None] = ContextVar("fence", default=None)


@contextmanager
def fenced(fence: Fence) -> Iterator[None]:
    """Drop the writes that are queued within the block if the fence returns False."""
    token = _fence.set(fence)
    try:
        yield
    finally:
        _fence.reset(token)


def current_fence() -> Fence | None:
    """Return the fence of the current block, or None."""
    return _fence.get()
