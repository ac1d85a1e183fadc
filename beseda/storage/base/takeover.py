"""Takeovers, as services see them."""

from collections.abc import Mapping
from typing import Protocol

from beseda.domain.conversation import ChatKey
from beseda.domain.takeover import Takeover


class TakeoverStore(Protocol):
    """Conversations that operators have taken over from a bot. Every method raises StorageError."""

    async def take(self, conversation_id: int, operator: str) -> Takeover:
        """Hand a conversation to an operator. A repeated call of the same operator keeps the time of the first one.

        Raises NotFoundError if the conversation does not exist.
        """
        ...

    async def give_back(self, conversation_id: int) -> bool:
        """Return a conversation to its bot. Return False if it was not taken over."""
        ...

    async def all(self) -> Mapping[ChatKey, Takeover]:
        """Return every conversation that is taken over, by its key."""
        ...
