"""Shard leases: division of a bot's chats among replicas that share one database.

Chats are split into shards by their number (`partition_of`). Each shard has one owner, which holds a lease in the
database and renews it by a heartbeat every few seconds. An owner that falls silent loses its shards when its lease
expires. An owner that leaves, or that has to share with a new replica, finishes its running work and hands shards over.
Messages on the bus only make that quicker.

    beat        renew the lease, read which shards are owned, take up waiting updates in new ones
    hand over   begin nothing in a shard, wait for its running work, release it, notify the others
    confirm     check that running work may continue: immediately while the lease is fresh, else at the next beat
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from beseda.core.errors import LeaseLostError, StorageError
from beseda.core.outages import OutageLog
from beseda.core.process_identity import new_process_id
from beseda.core.tasks import end_tasks
from beseda.engine.shards.repository import EVERYTHING, LeaseRequest, LeaseStatus, ShardLeaseRepository
from beseda.ephemeral.base import Bus

log = logging.getLogger(__name__)

_MEET_SECONDS = 0.1
_IDLE_SECONDS = 0.05
_STALE_SECONDS = 0.25


class ShardOwnership(Protocol):
    """Ownership of shards, which a runner checks before it begins work."""

    @property
    def is_shared(self) -> bool:
        """Whether other replicas work on this bot's chats too."""
        ...

    @property
    def held(self) -> frozenset[int]:
        """The parts in which this process may begin something."""
        ...

    async def wait_until_joined(self) -> None:
        """Return once the other replicas know this process. They would not look for updates that it stored earlier."""
        ...

    async def confirm(self, partition: int) -> None:
        """Return if work in a shard may continue. Raise LeaseLostError if another replica owns it."""
        ...

    def is_fresh(self, partition: int) -> bool:
        """Return whether the lease of a part is known to hold at this moment."""
        ...

    def hold(self, partition: int) -> AbstractAsyncContextManager[None]:
        """Confirm the lease, and cancel the block if the lease ends first. Raise LeaseLostError in both cases."""
        ...


class AllShards:
    """Ownership of all shards, for a process that does not share its bot with replicas."""

    is_shared = False
    held = EVERYTHING

    async def wait_until_joined(self) -> None:
        """Return."""

    async def confirm(self, partition: int) -> None:
        """Return."""

    def is_fresh(self, partition: int) -> bool:
        """Return True."""
        return True

    def hold(self, partition: int) -> AbstractAsyncContextManager[None]:
        """Let the block run."""
        return contextlib.nullcontext()


class ShardWorker(Protocol):
    """Interface of the worker of shards: a bot's runner."""

    def is_busy(self, partition: int) -> bool:
        """Return whether anything of a part waits or is worked on."""
        ...

    async def recover(
        self, partitions: Collection[int] | None = None, *, anew: bool = False, settled: bool = False
    ) -> int:
        """Take up stored updates that are unfinished, and return their number."""
        ...

    async def find_part(self, update_id: int) -> int | None:
        """Return the part of an update that is not worked off."""
        ...

    def withdraw(self, partitions: Collection[int], *, lost: bool = False) -> None:
        """Remove queued events of these shards. If the shards are `lost`, cancel their running work as well."""
        ...

    async def let_go(self, partitions: Collection[int], *, lost: bool = False) -> None:
        """Stop showing the progress of jobs in these shards."""
        ...


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    """Seconds: how long a silent replica keeps its parts, how often it beats, how long before the end it stops."""

    seconds: float = 10.0

    @property
    def beat(self) -> float:
        """How often it is renewed."""
        return self.seconds / 3

    @property
    def margin(self) -> float:
        """How long before its end nothing is begun."""
        return self.seconds / 10


class ShardLeases:
    """One replica's share of one bot's chats. Implements `ShardOwnership`. Join it, let it `run`, leave it."""

    def __init__(self, bot: str, store: ShardLeaseRepository, bus: Bus, lease: LeaseTimes | None = None) -> None:
        self.name = new_process_id()
        self.held: frozenset[int] = frozenset()
        self.is_shared = False
        self._bot = bot
        self._store = store
        self._bus = bus
        self._lease = lease or LeaseTimes()
        self._keeper: ShardWorker | None = None
        self._owned: frozenset[int] = frozenset()
        self._leaving: set[int] = set()
        self._going = False
        self._closed = False
        self._fresh_until = float("-inf")
        self._bounds: set[asyncio.Timeout] = set()
        self._beaten = asyncio.Event()
        self._joined = asyncio.Event()
        self._stirred = asyncio.Event()
        self._rung = False
        self._gained: set[int] = set()
        self._hinted: set[int] = set()
        self._wanted = asyncio.Event()
        self._looks: set[asyncio.Task[None]] = set()
        self._emptying: dict[int, asyncio.Task[None]] = {}  # parts to hand over, whose progress messages are let go of
        self._outage = OutageLog(log, f"the database for the chats of {bot}")
        self._failing: set[Callable[[], Awaitable[object]]] = set()

    @property
    def owned(self) -> frozenset[int]:
        """The parts that no other replica may work on."""
        return self._owned

    async def wait_until_joined(self) -> None:
        """Return once the others know of this process."""
        if not self._joined.is_set():
            await self._joined.wait()

    async def confirm(self, partition: int) -> None:
        """Return if work in a shard may continue. Raise LeaseLostError if another replica owns it."""
        while partition in self._owned:
            if read_clock() < self._fresh_until:
                return
            if self._closed:
                break
            # We stood still, or the database is away: who has the part by now only the record knows.
            await self._beaten.wait()
        raise LeaseLostError(f"part {partition} of {self._bot} is another's")

    def is_fresh(self, partition: int) -> bool:
        """Return whether the lease of a part is known to hold at this moment."""
        return partition in self._owned and read_clock() < self._fresh_until

    @asynccontextmanager
    async def hold(self, partition: int) -> AsyncIterator[None]:
        """Confirm the lease, and cancel the block if the lease ends first. A heartbeat extends the time of the block.

        Raise LeaseLostError in both cases.
        """
        await self.confirm(partition)
        async with _ending_with(self._bounds, self._fresh_until):
            yield

    async def join(self, keeper: ShardWorker) -> None:
        """Register this replica, claim free shards and take up their waiting updates. Raise StorageError."""
        self._keeper = keeper
        deadline = read_clock() + 2 * self._lease.seconds
        while (await self._beat()).unmet and read_clock() < deadline:
            await self._ring()
            await asyncio.sleep(_MEET_SECONDS)
        if self._looks:
            await asyncio.wait(self._looks)
        self._joined.set()

    async def run(self) -> None:
        """Renew the leases, claim free shards and hand over surplus ones, until cancelled."""
        async with (
            self._bus.subscribe(f"territory:{self._bot}") as bells,
            self._bus.subscribe(f"updates:{self._bot}") as hints,
        ):
            # Beside the beat, which awaits nothing but its own transaction: what these wait for may take longer than
            # the lease, and all chats of the bot would stand still.
            beside = [self._hear_bells(bells), self._hear_hints(hints), self._look_after()]
            tasks = [asyncio.create_task(work) for work in beside]
            try:
                await self._live()
            finally:
                await end_tasks([*tasks, *self._looks, *self._emptying.values()])

    async def begin_to_leave(self) -> None:
        """Hand each shard over as soon as it is idle. Without other replicas keep them: none would continue."""
        self._going = True
        if self.is_shared:
            self._part_with(self._owned)
            self._rung = True
            self._stirred.set()

    def stop_waiting(self) -> None:
        """End all waiting for the next heartbeat."""
        self._closed = True
        self._mark_beat()

    async def leave(self, *, within: float | None = None) -> None:
        """Release the remaining shards within so many seconds. If the database is unavailable, their leases expire."""
        self.stop_waiting()
        self.held = self._owned = frozenset()
        try:
            async with asyncio.timeout(self._lease.seconds if within is None else within):
                await self._store.leave(self._bot, self.name)
        except (StorageError, TimeoutError) as error:
            log.warning("%s leaves without giving up its leases: %s", self._bot, error)
        await self._ring()

    async def _live(self) -> None:
        due = read_clock() + self._lease.beat
        while True:
            await self._attempt(self._hand_over)
            if self._rung or read_clock() >= due:
                self._rung = False
                await self._attempt(self._beat)
                # A beat that was long under way, through an outage, has left a lease that is stale already.
                is_fresh = read_clock() < self._fresh_until
                due = read_clock() + (self._lease.beat if is_fresh else _STALE_SECONDS)
            await _wait(self._stirred, min(due - read_clock(), _IDLE_SECONDS if self._leaving else due))

    async def _look_after(self) -> None:
        """Take up waiting updates: immediately in shards that were gained or hinted at, periodically in all owned
        shards.
        """
        due = read_clock() + self._lease.beat
        while True:
            await self._attempt(self._take_up)
            if read_clock() >= due:
                await self._attempt(self._look_around)
                due = read_clock() + self._lease.beat
            await _wait(self._wanted, _STALE_SECONDS if self._gained or self._hinted else due - read_clock())

    async def _attempt(self, step: Callable[[], Awaitable[object]]) -> None:
        try:
            await step()
        except StorageError as error:  # the next beat comes soon
            self._failing.add(step)
            self._outage.fail(error.detail)
        else:
            # A step that only reads succeeds while another one cannot write: that is not the end of the outage.
            self._failing.discard(step)
            if not self._failing:
                self._outage.recover()

    async def _beat(self, released: frozenset[int] = frozenset()) -> LeaseStatus:
        begun = read_clock()
        claim = LeaseRequest(self._bot, self.name, self._lease.seconds, released, self._going)
        status = await self._store.beat(claim)
        kept = self._owned - released
        gained, lost = status.owned - kept, kept - status.owned
        self._owned, self.is_shared = status.owned, status.others > 0
        self._leaving &= status.owned
        self.held = status.owned - self._leaving
        self._fresh_until = begun + self._lease.seconds - self._lease.margin
        self._mark_beat()
        self._settle(gained, lost)
        if status.surplus > len(self._leaving):
            self._choose(status.surplus - len(self._leaving))
        return status

    def _settle(self, gained: frozenset[int], lost: frozenset[int]) -> None:
        assert self._keeper is not None  # noqa: S101 - join() comes first
        if lost:
            log.warning("%s has lost %d shards of its chats to others", self._bot, len(lost))
            self._keeper.withdraw(lost, lost=True)
            for part in lost:
                self._let_go(part, lost=True)
        if gained:
            log.debug("%s works on %d shards of its chats", self._bot, len(self.held))
            self._gained |= gained
            look = asyncio.create_task(self._attempt(self._take_up))
            self._looks.add(look)
            look.add_done_callback(self._looks.discard)

    def _let_go(self, part: int, *, lost: bool = False) -> None:
        """Let go of the progress messages of a part, in a task: one may wait for Telegram."""
        assert self._keeper is not None  # noqa: S101 - join() comes first
        if (earlier := self._emptying.pop(part, None)) is not None:
            earlier.cancel()
        task = self._emptying[part] = asyncio.create_task(self._keeper.let_go([part], lost=lost))
        task.add_done_callback(lambda _: self._stirred.set())

    def _mark_beat(self) -> None:
        for bound in self._bounds:
            if not bound.expired():
                bound.reschedule(_to_loop_time(self._fresh_until))
        beaten, self._beaten = self._beaten, asyncio.Event()
        beaten.set()
        if self._closed:
            self._beaten.set()

    def _choose(self, count: int) -> None:
        """Choose shards to hand over, idle ones first, so that no chat waits for the end of a long answer."""
        assert self._keeper is not None  # noqa: S101 - join() comes first
        self._part_with(sorted(self.held, key=self._keeper.is_busy)[:count])

    def _part_with(self, partitions: Collection[int]) -> None:
        assert self._keeper is not None  # noqa: S101 - join() comes first
        self._leaving |= set(partitions)
        self.held = self._owned - self._leaving
        self._keeper.withdraw(partitions)
        self._stirred.set()

    async def _hand_over(self) -> None:
        keeper = self._keeper
        assert keeper is not None  # noqa: S101 - join() comes first
        for part in self._leaving - self._emptying.keys():
            if not keeper.is_busy(part):
                self._let_go(part)
        await asyncio.sleep(0)  # most have nothing to let go of
        ended = {part for part, task in self._emptying.items() if task.done()}
        idle = frozenset(part for part in ended & self._leaving if not keeper.is_busy(part))
        for part in ended:
            _log_failure(self._emptying.pop(part))
        if idle:
            await self._beat(idle)
            await self._ring()

    async def _look_around(self) -> None:
        """Find updates without a hint: the hint was lost, or a failure left them."""
        assert self._keeper is not None  # noqa: S101 - join() comes first
        await self._keeper.recover(settled=True)

    async def _take_up(self) -> None:
        """Take up waiting updates in shards that were gained or hinted at. After a failure these shards are searched
        again.
        """
        assert self._keeper is not None  # noqa: S101 - join() comes first
        gained, self._gained = self._gained, set()
        hinted, self._hinted = self._hinted, set()
        try:
            if (gained & self._owned) and (count := await self._keeper.recover(gained & self._owned, anew=True)):
                log.info("%s takes up %d updates that were left", self._bot, count)
            if hinted & self.held:
                await self._keeper.recover(hinted & self.held)
        except BaseException:
            self._gained |= gained
            self._hinted |= hinted
            raise

    async def _ring(self) -> None:
        await self._bus.publish(f"territory:{self._bot}", {"from": self.name})

    async def _hear_bells(self, bells: AsyncIterator[Mapping[str, object]]) -> None:
        async for bell in bells:
            if bell.get("from") != self.name:
                self._rung = True
                self._stirred.set()

    async def _hear_hints(self, hints: AsyncIterator[Mapping[str, object]]) -> None:
        async for hint in hints:
            part = hint.get("partition")
            if not isinstance(part, int):
                part = await self._find_part(hint.get("update_id"))
            if part in self.held:
                self._hinted.add(part)
                self._wanted.set()

    async def _find_part(self, update_id: object) -> int:
        if isinstance(update_id, int) and self._keeper is not None:
            with contextlib.suppress(StorageError):  # the next look around finds it
                part = await self._keeper.find_part(update_id)
                return -1 if part is None else part
        return -1


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """Wait until the event is set, so many seconds at most, and clear it."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), max(0.0, seconds))
    event.clear()


@asynccontextmanager
async def _ending_with(bounds: set[asyncio.Timeout], fresh_until: float) -> AsyncIterator[None]:
    """Run the block until a moment, which moves while its bound is among `bounds`. Raises LeaseLostError."""
    bound = asyncio.timeout_at(_to_loop_time(fresh_until))
    try:
        async with bound:
            bounds.add(bound)
            yield
    except TimeoutError as error:
        if not bound.expired():
            raise
        raise LeaseLostError("the lease ended before the call did") from error
    finally:
        bounds.discard(bound)


def _to_loop_time(moment: float) -> float:
    """Return a moment of `read_clock` as one of the loop's clock."""
    return asyncio.get_running_loop().time() + moment - read_clock()


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("progress messages of chats could not be released", exc_info=error)


def _pick_clock() -> Callable[[], float]:
    # A machine that slept has let its leases run out: the ordinary monotonic clock of Linux would not know.
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic if boot is None else lambda: time.clock_gettime(boot)


read_clock = _pick_clock()
