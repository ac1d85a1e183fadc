"""Storage interface of sales conversations."""

from typing import Protocol

from beseda.domain.conversation import Conversation, Person
from beseda.domain.extraction_prompt import DialogLine


class SalesStore(Protocol):
    """The last messages of conversations, with the numbers that facts refer to."""

    async def lines(self, conversation: Conversation, limit: int) -> list[DialogLine]:
        """Return the last `limit` messages, oldest first.

        Messages of failed turns are included, because they belong to the conversation. Raises StorageError.
        """
        ...

    async def message_of(self, turn_id: int) -> int | None:
        """Return the number of the person's message in a turn, or None if there is no record of it.

        Raises StorageError.
        """
        ...

    async def private_chat(self, bot: str, user_id: int) -> tuple[Conversation, Person] | None:
        """Return a person's private chat with a bot, or None if the person has never written to it.

        Raises StorageError.
        """
        ...
