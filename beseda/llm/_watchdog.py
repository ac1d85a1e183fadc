"""Deadlines for a read, without a timer per read."""

import asyncio
from collections.abc import Callable


class Watchdog:
    """Calls `expire` when one wait goes beyond its deadline.

    One timer per answer: it looks at the deadline of the wait under way when it fires, and re-arms itself when there is
    time left. So the time between two reads, which is the consumer's, never counts, and a read costs two assignments.
    """

    __slots__ = ("_deadline", "_expire", "_loop", "_timer", "expired")

    def __init__(self, expire: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._expire = expire
        self._deadline: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.expired = False

    def start(self, deadline: float) -> None:
        """Begin a wait that must end by `deadline`, in the loop's time."""
        self._deadline = deadline
        if self._timer is None or self._timer.when() > deadline:
            self._arm(deadline)

    def pause(self) -> None:
        """End the wait: it was in time."""
        self._deadline = None

    def stop(self) -> None:
        """Free the timer."""
        self._deadline = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, moment: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(moment, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._deadline is None:
            return  # nobody waits; the next wait arms it again
        if self._loop.time() < self._deadline:
            self._arm(self._deadline)
            return
        self.expired = True
        self._expire()
