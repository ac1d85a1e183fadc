"""Throttled redrawing of growing output: not more often than an eye can follow, and always with the last state."""

import asyncio
from collections.abc import Callable

_FRAME = 0.08  # seconds between two pictures


class RedrawThrottle:
    """Calls `draw` soon after each `ask`, however many come at once. Lives in an event loop, until `stop`."""

    def __init__(self, draw: Callable[[], None]) -> None:
        self._draw = draw
        self._loop = asyncio.get_running_loop()
        self._drawn = float("-inf")
        self._timer: asyncio.TimerHandle | None = None

    def ask(self) -> None:
        """Have a picture drawn: now, or when its time comes."""
        if self._timer is not None:
            return
        wait = self._drawn + _FRAME - self._loop.time()
        if wait <= 0:
            self._draw_now()
        else:
            self._timer = self._loop.call_later(wait, self._draw_now)

    def stop(self) -> None:
        """Draw no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _draw_now(self) -> None:
        self._timer = None
        self._drawn = self._loop.time()
        self._draw()
