"""Takeovers, as services see them."""

from collections.abc import Mapping
from typing import Protocol

from beseda.domain.conversation import ChatKey
from beseda.domain.takeover import Takeover


class TakeoverStore(Protocol):
    """Who answers where in place of a bot. Every method raises StorageError."""

    async def take(self, conversation_id: int, operator: str) -> Takeover:
        """Have a conversation taken over; by the same operator, it is since the first time.

        Raises NotFoundError where there is no such conversation.
        """
        ...

    async def give_back(self, conversation_id: int) -> bool:
        """Give a conversation back to its bot; False where nobody had it."""
        ...

    async def all(self) -> Mapping[ChatKey, Takeover]:
        """Return every conversation that is taken over, by its place."""
        ...
