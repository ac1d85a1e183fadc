"""A clock that is moved by tests only."""

import asyncio
import heapq
from datetime import UTC, datetime, timedelta
from itertools import count

_SETTLING_TURNS = 10  # of the loop: a woken sleeper may wake others, which then sleep before the next step


class ManualClock:
    """A `Clock` for tests: `advance` moves it and wakes sleepers that are due, in order.

    With `instant=True` there is no waiting: `sleep` moves the clock itself and returns at the next turn of the loop.
    `slept` records every requested wait, in seconds.
    """

    def __init__(self, start: datetime | None = None, *, instant: bool = False) -> None:
        self._start = start or datetime(2026, 1, 1, tzinfo=UTC)
        self._elapsed = 0.0
        self._instant = instant
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()
        self._fell_asleep = asyncio.Event()
        self.slept: list[float] = []

    def now(self) -> datetime:
        """Return the time that the test has set."""
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        """Return the seconds that the test has let pass."""
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        """Sleep until the test has moved the clock far enough."""
        self.slept.append(seconds)
        if self._instant:
            self._elapsed += max(0.0, seconds)
            await asyncio.sleep(0)
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._elapsed + seconds, next(self._order), waiter))
        self._fell_asleep.set()
        await waiter

    @property
    def sleepers(self) -> int:
        """How many are asleep now."""
        return sum(not waiter.done() for _, _, waiter in self._sleepers)

    def shift(self, seconds: float) -> None:
        """Move the time without waking sleepers: for pure logic outside an event loop."""
        self._elapsed += seconds

    async def advance(self, seconds: float) -> None:
        """Move the time on by `seconds`, stopping at each sleeper on the way so that loops of sleeps see every step."""
        await _settle()
        target = self._elapsed + seconds
        while self._sleepers and self._sleepers[0][0] <= target:
            due, _, waiter = heapq.heappop(self._sleepers)
            self._elapsed = max(self._elapsed, due)
            if not waiter.done():
                waiter.set_result(None)
                await _settle()
        self._elapsed = target

    async def wait_for_sleepers(self, number: int = 1) -> None:
        """Return once `number` sleepers wait, so that a test moves the time only after the code got there."""
        while self.sleepers < number:
            self._fell_asleep.clear()
            await self._fell_asleep.wait()


async def _settle() -> None:
    for _ in range(_SETTLING_TURNS):
        await asyncio.sleep(0)
