"""Telegram's flood control, on request: about one message a second in a chat (bursts tolerated), 20 a minute in a
group, 30 a second for a bot (core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this)."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botapi_sandbox.refusals import too_many_requests

if TYPE_CHECKING:
    from collections.abc import Callable

_BURST = 3
_MAX_CHATS = 50_000


@dataclass(frozen=True, slots=True)
class FloodLimits:
    """How much is allowed before the server answers 429."""

    per_chat_per_second: float = 1.0
    per_group_per_minute: int = 20
    per_bot_per_second: int = 30


class _Window:
    """At most `limit` marks within `seconds`."""

    def __init__(self, limit: int, seconds: float) -> None:
        self.limit, self.seconds = limit, seconds
        self.marks: deque[float] = deque(maxlen=max(limit, 1))

    def get_wait(self, now: float) -> float:
        if len(self.marks) < self.limit:
            return 0.0
        return max(0.0, self.marks[0] + self.seconds - now)


class FloodControl:
    """Counts messages of bots, and rejects them with 429 until the announced wait is over. `clock` returns seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.enabled = False
        self.limits = FloodLimits()
        self._windows: dict[tuple[str, int | None], list[_Window]] = {}
        self._blocked: dict[tuple[str, int | None], float] = {}

    def configure(self, *, enabled: bool, limits: FloodLimits) -> None:
        """Switch flood control on or off and reset the counts. Raises ValueError for a limit that is not positive."""
        if min(limits.per_chat_per_second, limits.per_group_per_minute, limits.per_bot_per_second) <= 0:
            raise ValueError("limits must be positive")
        self.enabled, self.limits = enabled, limits
        self._windows.clear()
        self._blocked.clear()

    def check(self, bot: str, chat_id: int, *, weight: int = 1) -> None:
        """Count `weight` messages to a chat; raises ApiRefusalError 429."""
        if not self.enabled:
            return
        now = self._clock()
        keys = ((bot, None), (bot, chat_id))
        wait = max(self._get_wait(key, now) for key in keys)
        if wait > 0:
            self._blocked[keys[1]] = now + wait
            raise too_many_requests(max(1, math.ceil(wait)))
        for key in keys:
            for window in self._windows[key]:
                window.marks.extend([now] * weight)

    def _get_wait(self, key: tuple[str, int | None], now: float) -> float:
        blocked = self._blocked.get(key, 0.0) - now
        if blocked > 0:
            return blocked
        self._blocked.pop(key, None)
        if key not in self._windows:
            if len(self._windows) >= _MAX_CHATS:  # a load test may have more chats than memory
                oldest = next((other for other in self._windows if other[1] is not None), key)
                self._windows.pop(oldest, None)
            self._windows[key] = self._make_windows(key[1])
        return max(window.get_wait(now) for window in self._windows[key])

    def _make_windows(self, chat_id: int | None) -> list[_Window]:
        if chat_id is None:
            return [_Window(self.limits.per_bot_per_second, 1.0)]
        windows = [_Window(_BURST, _BURST / self.limits.per_chat_per_second)]
        if chat_id < 0:
            windows.append(_Window(self.limits.per_group_per_minute, 60.0))
        return windows
