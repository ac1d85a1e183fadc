"""The hot window of a conversation, as services see it."""

from collections.abc import Sequence
from typing import Protocol

from beseda.core.message import Message


class HistoryStore(Protocol):
    """The hot window of a conversation: the list `chat_history:{user_id}` of role and content.

    A list may vanish, or return in an older state, at any time. The id of its last turn is stored beside it for
    comparison with the database: without it, a list that lost its beginning would look complete.
    """

    @property
    def limit(self) -> int:
        """The maximum number of messages in a list."""
        ...

    async def append(
        self, key: str, messages: Sequence[Message], *, turn_id: int = 0, after: int | None = None
    ) -> bool:
        """Append the messages of a turn atomically, trim the list to its limit and renew its time to live.

        With `after`, append only if that is the list's last turn (0: a new list). Return whether they were added.
        """
        ...

    async def fill(self, key: str, messages: Sequence[Message], turn_id: int) -> None:
        """Replace the list by messages from the database. The last of them belongs to turn `turn_id`."""
        ...

    async def last_turn(self, key: str) -> int:
        """Return the id of the last turn in the list, or 0 if it is unknown."""
        ...

    async def window(self, key: str, size: int) -> list[Message] | None:
        """Return the last `size` messages, oldest first, or None if the list is unknown (new or expired)."""
        ...

    async def clear(self, key: str) -> None:
        """Delete the list."""
        ...
