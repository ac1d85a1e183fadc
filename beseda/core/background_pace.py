"""Pauses of background work, which shares a core with chats."""

import asyncio
import time

_SHARE = 0.25  # of a core that background work may take
_LONGEST = 1.0  # seconds


class BackgroundPace:
    """Pauses in proportion to the time that the work has taken, so that chats have the rest of the core."""

    def __init__(self) -> None:
        self._since = time.perf_counter()

    async def pause(self) -> None:
        """Wait three times as long as the piece of work since the last pause, a second at most."""
        worked = time.perf_counter() - self._since
        await asyncio.sleep(min(worked * (1 / _SHARE - 1), _LONGEST))
        self._since = time.perf_counter()
