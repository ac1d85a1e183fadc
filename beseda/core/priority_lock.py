"""A lock that is granted to the waiter with the lowest rank."""

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count


class PriorityLock:
    """Waiters of the same rank get the lock in the order of their arrival."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = count()
        self._is_held = False

    @asynccontextmanager
    async def hold(self, rank: float) -> AsyncIterator[None]:
        """Hold the lock for the length of the block."""
        turn = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (rank, next(self._numbers), turn))
        self._pass_on()
        try:
            await turn
            yield
        finally:
            if turn.done() and not turn.cancelled():
                self._is_held = False
            turn.cancel()
            self._pass_on()

    def _pass_on(self) -> None:
        while self._waiting and not self._is_held:
            turn = heapq.heappop(self._waiting)[2]
            if not turn.done():
                self._is_held = True
                turn.set_result(None)
