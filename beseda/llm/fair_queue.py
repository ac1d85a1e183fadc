"""A fair queue before a service with a limited number of slots. Each ticket knows its position."""

import asyncio
from collections import deque


class Ticket:
    """One place in a queue. It must be left in every case, also before its turn."""

    def __init__(self, line: "FairQueue") -> None:
        self._line = line
        self._moved = asyncio.Event()

    @property
    def ahead(self) -> int:
        """Number of tickets that must leave before this one is served; 0 if it is served."""
        return self._line.count_ahead(self)

    async def wait_for_move(self) -> None:
        """Return when the queue has moved since the last call."""
        await self._moved.wait()
        self._moved.clear()

    def leave(self) -> None:
        """Leave the queue or free the slot. A second call does nothing."""
        self._line.remove(self)

    def notice(self) -> None:
        """Wake `wait_for_move`: the queue has moved."""
        self._moved.set()


class FairQueue:
    """Serves `slots` tickets in parallel; all others wait in the order of arrival."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._served: set[Ticket] = set()
        self._waiting: deque[Ticket] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def join(self) -> Ticket:
        """Take a free slot immediately, or a place at the end of the queue."""
        place = Ticket(self)
        if len(self._served) < self._slots:
            self._served.add(place)
        else:
            self._waiting.append(place)
        return place

    def count_ahead(self, place: Ticket) -> int:
        """Return the number of tickets that must leave before `place` is served."""
        return 0 if place in self._served else self._waiting.index(place) + 1

    def remove(self, place: Ticket) -> None:
        """Remove `place` from the slots or from the queue."""
        if place in self._served:
            self._served.discard(place)
        elif place in self._waiting:
            self._waiting.remove(place)
        else:
            return
        moved = list(self._waiting)
        while self._waiting and len(self._served) < self._slots:
            self._served.add(self._waiting.popleft())
        for each in moved:
            each.notice()
