"""Telegram's flood control, as services see it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class FloodWait:
    """Telegram told us to wait: which bot, for which call, how many seconds, in which chat where one is concerned."""

    bot: str
    method: str
    seconds: float
    chat_id: int | None = None
    chat_kind: str = ""


class FloodWaitStore(Protocol):
    """The record of Telegram's flood control, for who runs the bots."""

    async def record(self, wait: FloodWait) -> None:
        """Keep a wait with the time it was asked for."""
        ...

    async def count(self, since: datetime) -> int:
        """Return how many waits there were since then."""
        ...
