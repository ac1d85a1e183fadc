"""What a sale reads of its conversation."""

from typing import Protocol

from beseda.domain.conversation import Conversation, Person
from beseda.domain.reading import Line


class SalesStore(Protocol):
    """The last lines of conversations, with the numbers that facts point at."""

    async def lines(self, conversation: Conversation, limit: int) -> list[Line]:
        """Return the last `limit` messages, oldest first; those of turns that failed count: they were said.

        Raises StorageError.
        """
        ...

    async def message_of(self, turn_id: int) -> int | None:
        """Return the number of what a person said in a turn; None where nothing is on record. Raises StorageError."""
        ...

    async def private_chat(self, bot: str, user_id: int) -> tuple[Conversation, Person] | None:
        """Return a person's private chat with a bot; None where they have never written to it. Raises StorageError."""
        ...
