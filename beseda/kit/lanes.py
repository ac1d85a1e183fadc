"""Work in order under one key, side by side across keys."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")

log = logging.getLogger(__name__)


class Lane(Generic[Item]):
    """The queue under one key, as the work on it sees it."""

    __slots__ = ("_arrival", "_items", "taken", "task")

    def __init__(self) -> None:
        self._items: deque[Item] = deque()
        self.task: asyncio.Task[None] | None = None
        self._arrival: asyncio.Future[None] | None = None
        self.taken = 0

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
    ) -> None:
        """`drop` is told of items that nobody will work on: taken back, or left behind by a lane that was cancelled."""
        self._work = work
        self._drop = drop
        self._lanes: dict[Key, Lane[Item]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._calm = asyncio.Event()
        self._calm.set()
        self._pending = 0

    @property
    def pending(self) -> int:
        """How many items wait or are worked on."""
        return self._pending

    def put(self, key: Key, item: Item) -> None:
        """Queue an item under its key; its lane starts at once if it is idle."""
        self._pending += 1
        self._calm.clear()
        lane = self._lanes.get(key)
        if lane is not None:
            lane.put(item)
            return
        lane = self._lanes[key] = Lane()
        lane.put(item)
        lane.task = task = asyncio.get_running_loop().create_task(self._run(key, lane))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def has(self, wanted: Callable[[Key], bool]) -> bool:
        """Return whether anything waits or is worked on under such a key."""
        return any(map(wanted, self._lanes))

    def take_back(self, wanted: Callable[[Key], bool], *, cancel: bool = False) -> None:
        """Drop what waits under such keys, and with `cancel` end what is being worked on there."""
        for key, lane in list(self._lanes.items()):
            if wanted(key):
                self._leave(lane)
                # One that has taken nothing yet ends by itself; cancelled before its first step it could not tidy up.
                if cancel and lane.taken and lane.task is not None:
                    lane.task.cancel()

    async def drain(self, *, within: float) -> bool:
        """Wait up to `within` seconds until nothing is left and return whether that came true."""
        try:
            await asyncio.wait_for(self._calm.wait(), within)
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """Cancel what is running and wait for it to clean up."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, key: Key, lane: Lane[Item]) -> None:
        try:
            while lane:
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
        finally:
            if not lane.taken and lane:
                lane.take()  # whatever went wrong, the same item must not come up for ever
            self._settle(lane.taken)

    def _leave(self, lane: Lane[Item]) -> None:
        if items := lane.empty():
            self._settle(len(items))
            self._drop(items)

    def _settle(self, count: int) -> None:
        self._pending -= count
        if not self._pending:
            self._calm.set()
