"""A log of the latest Bot API calls, for tests and for the page."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import Any

_MAX_TEXT = 4_200
_SECRET = frozenset({"secret_token", "certificate"})


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """One Bot API call as a test or the page may look at it; never holds a token."""

    seq: int
    time: float
    bot: str
    method: str
    params: dict[str, Any]
    status: int
    error: str | None


class CallLog:
    """The latest Bot API calls, in a ring."""

    def __init__(self, kept: int) -> None:
        self._ring: deque[RecordedCall] = deque(maxlen=kept)
        self._seq = 0

    def record(self, bot: str, method: str, params: dict[str, Any], outcome: tuple[int, str | None]) -> None:
        """Add a call; `outcome` is HTTP status and error text."""
        self._seq += 1
        shown = {
            name: value[:_MAX_TEXT] + "…" if isinstance(value, str) and len(value) > _MAX_TEXT else value
            for name, value in params.items()
        }
        shown |= dict.fromkeys(_SECRET & params.keys(), "***")
        self._ring.append(RecordedCall(self._seq, time.time(), bot, method, shown, *outcome))

    def find(self, bot: str | None, method: str | None, after: int) -> list[RecordedCall]:
        """The calls after a number, oldest first; the method's case does not matter."""
        wanted = method.lower() if method else None
        return [
            call
            for call in self._ring
            if call.seq > after
            and (bot is None or call.bot == bot)
            and (wanted is None or call.method.lower() == wanted)
        ]
