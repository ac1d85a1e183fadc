"""One suspect at a time: whoever is admitted when the process crashes is likely to be the cause."""

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count


class Quarantine:
    """Lets one suspect at a time be worked on in this process, those with the fewest crashes first.

    A suspect that crashes the process comes last at the next start, so that it holds up no other.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._numbers = count()
        self._busy = False

    @asynccontextmanager
    async def admit(self, crashes: int) -> AsyncIterator[None]:
        """Wait for the turn of a suspect."""
        turn = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (crashes, next(self._numbers), turn))
        try:
            await asyncio.sleep(0)  # those that were taken up together all stand in line before the first is let in
            self._let_in()
            await turn
            yield
        finally:
            if turn.done() and not turn.cancelled():
                self._busy = False
            turn.cancel()
            self._let_in()

    def _let_in(self) -> None:
        while self._waiting and not self._busy:
            _, _, turn = heapq.heappop(self._waiting)
            if not turn.done():
                self._busy = True
                turn.set_result(None)
