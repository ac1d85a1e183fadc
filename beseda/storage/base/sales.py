"""What a sale reads of its conversation."""

from typing import Protocol

from beseda.domain.conversation import Conversation
from beseda.domain.reading import Line


class SalesStore(Protocol):
    """The last lines of conversations, with the numbers that facts point at."""

    async def lines(self, conversation: Conversation, limit: int) -> list[Line]:
        """Return the last `limit` messages, oldest first; those of turns that failed count: they were said.

        Raises StorageError.
        """
        ...
