"""The hot window of a conversation, as services see it."""

from collections.abc import Sequence
from typing import Protocol

from beseda.domain.message import Message


class HistoryStore(Protocol):
    """The hot window of a conversation: the list `chat_history:{user_id}` of role and content."""

    async def append(self, key: str, messages: Sequence[Message]) -> None:
        """Add messages at the end at once, trim the list to its limit, renew its time to live."""
        ...

    async def window(self, key: str, size: int) -> list[Message] | None:
        """Return the last `size` messages, oldest first, or None where nothing is known (new, expired)."""
        ...

    async def clear(self, key: str) -> None:
        """Forget the list."""
        ...
