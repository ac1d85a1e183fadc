"""The hot window of a conversation, as services see it."""

from collections.abc import Sequence
from typing import Protocol

from beseda.domain.message import Message


class HistoryStore(Protocol):
    """The hot window of a conversation: the list `chat_history:{user_id}` of role and content.

    A list may vanish, or come back older than it was, at any time. The id of the last turn in it is kept beside it, so
    that it can be compared with the database: without that a list which lost its beginning looks complete.
    """

    @property
    def limit(self) -> int:
        """How many messages a list holds at most."""
        ...

    async def append(
        self, key: str, messages: Sequence[Message], *, turn_id: int = 0, after: int | None = None
    ) -> bool:
        """Add the messages of a turn at the end at once, trim the list to its limit, renew its time to live.

        With `after`, only to a list whose last turn is that one (0: a new list); return whether they were added.
        """
        ...

    async def fill(self, key: str, messages: Sequence[Message], turn_id: int) -> None:
        """Replace the list by messages of the database, the last of them of turn `turn_id`."""
        ...

    async def last_turn(self, key: str) -> int:
        """Return the id of the last turn in the list, 0 where it is unknown."""
        ...

    async def window(self, key: str, size: int) -> list[Message] | None:
        """Return the last `size` messages, oldest first, or None where nothing is known (new, expired)."""
        ...

    async def clear(self, key: str) -> None:
        """Forget the list."""
        ...
