"""Queues of work: in order for each key, concurrent across keys.

A queue has a maximum length: further items stay in storage, and `work` fetches them from there once the queue is short.
So the memory of one key is bounded, and no key takes the place of others.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits: `depth` items in one queue, `shallow` items while `crowd` items wait in all queues, `keys` active keys.

    No limit applies to a sum that a single key can use up.
    """

    depth: int = 100
    crowd: int = 5000
    shallow: int = 10
    keys: int = 5000


class Lane(Generic[Item]):
    """The queue of one key, as its work sees it.

    `backlog` counts the items left in storage since it was 0; while it is above 0, no new item is queued. `is_waiting`
    is set by work that only waits for a later time and may be cancelled without harm.
    """

    __slots__ = ("_arrival", "_items", "backlog", "failures", "is_waiting", "taken", "task")

    def __init__(self) -> None:
        self._items: deque[Item] = deque()
        self.task: asyncio.Task[None] | None = None
        self._arrival: asyncio.Future[None] | None = None
        self.taken = 0
        self.backlog = 0
        self.failures = 0
        self.is_waiting = False

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: Item) -> None:
        """Append an item and wake the waiting consumer."""
        self._items.append(item)
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)

    def take(self) -> Item:
        """Remove and return the oldest item. Raises IndexError if there is none."""
        self.taken += 1
        return self._items.popleft()

    def take_all_if(self, wanted: Callable[[Item], bool]) -> list[Item]:
        """Remove and return all items for which `wanted` returns True, at any position."""
        found = [item for item in self._items if wanted(item)]
        if found:
            self._items = deque(item for item in self._items if not wanted(item))
            self.taken += len(found)
        return found

    def empty(self) -> list[Item]:
        """Remove and return all items."""
        items = list(self._items)
        self._items.clear()
        return items

    async def take_next_if(self, wanted: Callable[[Item], bool], *, within: float) -> Item | None:
        """Return the next item if `wanted` accepts it, waiting up to `within` seconds for one; else None."""
        if not self._items:
            self._arrival = asyncio.get_running_loop().create_future()
            try:
                await asyncio.wait_for(self._arrival, within)
            except TimeoutError:
                return None
            finally:
                self._arrival = None
        return self.take() if self._items and wanted(self._items[0]) else None


class Lanes(Generic[Key, Item]):
    """One task for each key that has work; it ends when its lane is empty.

    `work` takes at least one item from its lane. Its errors are logged and do not stop the lane.
    """

    def __init__(
        self,
        work: Callable[[Key, Lane[Item]], Awaitable[None]],
        *,
        drop: Callable[[Sequence[Item]], None] = lambda _items: None,
        bounds: Bounds | None = None,
    ) -> None:
        """`drop` receives the items that will not be processed: taken back, or left behind by a cancelled lane."""
        self._work = work
        self._drop = drop
        self._bounds = bounds or Bounds()
        self._lanes: dict[Key, Lane[Item]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._calm = asyncio.Event()
        self._calm.set()
        self._pending = 0

    @property
    def pending(self) -> int:
        """The number of items that are queued or being processed."""
        return self._pending

    @property
    def is_full(self) -> bool:
        """Whether the limit of active keys is reached, so that no further key is started."""
        return len(self._lanes) >= self._bounds.keys

    def is_idle(self, key: Key) -> bool:
        """Return whether a new item would be processed immediately."""
        return key not in self._lanes and not self.is_full

    def put(self, key: Key, item: Item, *, always: bool = False) -> bool:
        """Queue an item under its key; its lane starts immediately if it is idle.

        Return False if the item stays in storage: behind a backlog, or beyond the limits. `always` starts a lane
        regardless of the number of active keys.
        """
        lane = self._lanes.get(key)
        if lane is None:
            if self.is_full and not always:
                return False
            lane = self._start(key)
        elif lane.backlog or not self.has_room(lane):
            lane.backlog += 1
            return False
        self.fill(lane, item)
        return True

    def has_room(self, lane: Lane[Item]) -> bool:
        """Return whether a lane may hold one more item."""
        is_crowded = self._pending >= self._bounds.crowd
        return len(lane) < (self._bounds.shallow if is_crowded else self._bounds.depth)

    def fill(self, lane: Lane[Item], item: Item) -> None:
        """Add an item that was fetched from storage."""
        self._pending += 1
        self._calm.clear()
        lane.put(item)

    def put_back(self, lane: Lane[Item]) -> None:
        """Leave all queued items of a lane in storage, from which its work will fetch them."""
        self._leave(lane)
        lane.backlog = 1

    def is_behind(self, key: Key) -> bool:
        """Return whether a key has a backlog in storage."""
        lane = self._lanes.get(key)
        return lane is not None and lane.backlog > 0

    def list_behind(self) -> list[Key]:
        """Return the keys that have a backlog in storage."""
        return [key for key, lane in self._lanes.items() if lane.backlog]

    def _start(self, key: Key) -> Lane[Item]:
        lane = self._lanes[key] = Lane()
        lane.task = task = asyncio.get_running_loop().create_task(self._run(key, lane))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return lane

    def has(self, wanted: Callable[[Key], bool]) -> bool:
        """Return whether any item of a matching key is queued or being processed."""
        return any(map(wanted, self._lanes))

    def take_back(self, wanted: Callable[[Key], bool], *, cancel: bool = False) -> None:
        """Drop the queued items of matching keys, and with `cancel` cancel the work in progress on them.

        Work that only waits for a later time is cancelled in any case.
        """
        for key, lane in list(self._lanes.items()):
            if wanted(key):
                self._leave(lane)
                # One that has taken nothing yet ends by itself; cancelled before its first step it could not tidy up.
                if (lane.is_waiting or (cancel and lane.taken)) and lane.task is not None:
                    lane.task.cancel()

    async def drain(self, *, within: float) -> bool:
        """Wait up to `within` seconds until no item is left. Return whether that happened."""
        try:
            await asyncio.wait_for(self._calm.wait(), within)
        except TimeoutError:
            return False
        return True

    async def close(self, *, within: float | None = None) -> None:
        """Cancel all running work and wait, at most `within` seconds, for its cleanup."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within)

    async def _run(self, key: Key, lane: Lane[Item]) -> None:
        try:
            while lane or lane.backlog:
                await self._step(key, lane)
        finally:
            self._leave(lane)
            del self._lanes[key]

    async def _step(self, key: Key, lane: Lane[Item]) -> None:
        lane.taken = 0
        try:
            await self._work(key, lane)
        except Exception:
            log.exception("work under %r failed", key)
            lane.backlog = 0  # it is found where it is stored, by a look that is not repeated immediately
        finally:
            if not lane.taken and lane:
                lane.take()  # whatever went wrong, the same item must not come up for ever
            self._settle(lane.taken)

    def _leave(self, lane: Lane[Item]) -> None:
        lane.backlog = 0
        if items := lane.empty():
            self._settle(len(items))
            self._drop(items)

    def _settle(self, count: int) -> None:
        self._pending -= count
        if not self._pending:
            self._calm.set()
