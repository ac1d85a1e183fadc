"""Telegram's flood control, as services see it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class FloodWait:
    """A wait requested by Telegram's flood control: the bot, the method, the seconds, and the chat if there is one."""

    bot: str
    method: str
    seconds: float
    chat_id: int | None = None
    chat_kind: str = ""


class FloodWaitStore(Protocol):
    """Log of the waits requested by Telegram's flood control, for operators."""

    async def record(self, wait: FloodWait) -> None:
        """Store a wait with the current time."""
        ...

    async def count(self, since: datetime) -> int:
        """Return the number of waits since then."""
        ...
