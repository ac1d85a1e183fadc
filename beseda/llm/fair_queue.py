"""A line before something that serves only so many at once. Fair, and whoever waits knows how many are ahead."""

import asyncio
from collections import deque


class Ticket:
    """One place in a line. It must be left, whether it came to its turn or not."""

    def __init__(self, line: "FairQueue") -> None:
        self._line = line
        self._moved = asyncio.Event()

    @property
    def ahead(self) -> int:
        """How many must leave before it is this one's turn; 0 when it is."""
        return self._line.count_ahead(self)

    async def wait_for_move(self) -> None:
        """Return when the line has moved since the last look."""
        await self._moved.wait()
        self._moved.clear()

    def leave(self) -> None:
        """Make room for the next; a second time does nothing."""
        self._line.remove(self)

    def notice(self) -> None:
        """Hear that the line has moved."""
        self._moved.set()


class FairQueue:
    """Serves `slots` at once; everybody else waits in the order of arrival."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._served: set[Ticket] = set()
        self._waiting: deque[Ticket] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def join(self) -> Ticket:
        """Take a place at the end, or a free slot at once."""
        place = Ticket(self)
        if len(self._served) < self._slots:
            self._served.add(place)
        else:
            self._waiting.append(place)
        return place

    def count_ahead(self, place: Ticket) -> int:
        """Return how many must leave before `place` is served."""
        return 0 if place in self._served else self._waiting.index(place) + 1

    def remove(self, place: Ticket) -> None:
        """Take `place` out, wherever it stands."""
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
