"""Work in order under one key, side by side across keys.

A queue holds so many items and no more: what comes beyond that is left where it is stored, and `work` fetches it from
there once the queue is short. So the memory that one key takes is bounded, and no key takes the place of others.
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
    """Numbers of items: `depth` in one queue, `shallow` in one while `crowd` wait in all; `keys` that work at a time.

    No bound is one on a sum that a single key can use up.
    """

    depth: int = 100
    crowd: int = 5000
    shallow: int = 10
    keys: int = 5000


class Lane(Generic[Item]):
    """The queue under one key, as the work on it sees it.

    `backlog` counts the items left in storage since it was 0; while it is not, nothing new is queued. `is_waiting` is
    set by work that only waits for a time to come and may be cancelled without harm.
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
        """Add an item at the end and wake who waits for it."""
        self._items.append(item)
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)

    def take(self) -> Item:
        """Remove and return the oldest item; IndexError when there is none."""
        self.taken += 1
        return self._items.popleft()

    def take_all_if(self, wanted: Callable[[Item], bool]) -> list[Item]:
        """Remove and return the items that `wanted` takes, wherever they stand."""
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
        """Return the next item if `wanted` takes it, waiting `within` seconds for one to come; else None."""
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

    `work` takes at least one item from the lane it is given. What it raises is logged and does not stop the lane.
    """

    def __init__(
        self,
        work: Callable[[Key, Lane[Item]], Awaitable[None]],
        *,
        drop: Callable[[Sequence[Item]], None] = lambda _items: None,
        bounds: Bounds | None = None,
    ) -> None:
        """`drop` receives the items that will not be worked on: taken back, or left behind by a cancelled lane."""
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
        """How many items wait or are worked on."""
        return self._pending

    @property
    def is_full(self) -> bool:
        """Whether there are so many keys at work that no further one is begun."""
        return len(self._lanes) >= self._bounds.keys

    def is_idle(self, key: Key) -> bool:
        """Return whether an item put now would be worked on immediately."""
        return key not in self._lanes and not self.is_full

    def put(self, key: Key, item: Item, *, always: bool = False) -> bool:
        """Queue an item under its key; its lane starts immediately if it is idle.

        Return False where it is left in storage: behind a backlog, or beyond the bounds. `always` starts a lane however
        many there are.
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
        """Leave everything that waits in a lane in storage, from where its work will fetch it."""
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
        """Return whether anything waits or is worked on under such a key."""
        return any(map(wanted, self._lanes))

    def take_back(self, wanted: Callable[[Key], bool], *, cancel: bool = False) -> None:
        """Drop what waits under such keys, and with `cancel` end what is being worked on there.

        Work that only waits for a time to come is ended in any case.
        """
        for key, lane in list(self._lanes.items()):
            if wanted(key):
                self._leave(lane)
                # One that has taken nothing yet ends by itself; cancelled before its first step it could not tidy up.
                if (lane.is_waiting or (cancel and lane.taken)) and lane.task is not None:
                    lane.task.cancel()

    async def drain(self, *, within: float) -> bool:
        """Wait up to `within` seconds until nothing is left and return whether that came true."""
        try:
            await asyncio.wait_for(self._calm.wait(), within)
        except TimeoutError:
            return False
        return True

    async def close(self, *, within: float | None = None) -> None:
        """Cancel what is running and wait, at most `within` seconds, for it to clean up."""
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
