"""Admission of suspects: one at a time at first, since a suspect that runs during a crash is likely its cause."""

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

_MOST = 64
_SETTLE = 0.15  # seconds: a start takes up hundreds of suspects, and the one that crashed least often may come last


class Quarantine:
    """Admits suspects, those with the fewest crashes first; each that ends without a crash doubles the limit.

    A suspect that is `strict` runs alone, after all others, so that it delays none of them.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[bool, int, int, asyncio.Future[None]]] = []
        self._numbers = count()
        self._running = 0
        self._limit = 1
        self._closed = False  # a strict one is running
        self._opens_at: float | None = None

    @asynccontextmanager
    async def admit(self, crashes: int, *, strict: bool = False) -> AsyncIterator[bool]:
        """Wait until a suspect is admitted; yield whether it runs alone among the suspects."""
        loop = asyncio.get_running_loop()
        turn = loop.create_future()
        heapq.heappush(self._waiting, (strict, crashes, next(self._numbers), turn))
        try:
            if self._opens_at is None:
                self._opens_at = loop.time() + _SETTLE
            await asyncio.sleep(max(0.0, self._opens_at - loop.time()))
            self._let_in()
            await turn
            yield strict or self._limit == 1
            if not strict:
                self._limit = min(self._limit * 2, _MOST)
        finally:
            if turn.done() and not turn.cancelled():
                self._running -= 1
                self._closed = False
            turn.cancel()
            self._let_in()

    def _let_in(self) -> None:
        while self._waiting and not self._closed and self._running < self._limit:
            strict, _, _, turn = self._waiting[0]
            if not turn.done() and strict and self._running:
                return
            heapq.heappop(self._waiting)
            if not turn.done():
                self._running += 1
                self._closed = strict
                turn.set_result(None)
