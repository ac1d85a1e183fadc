"""Lists of conversations, as the API sees them."""

from typing import Protocol

from beseda.domain.conversation_list import ConversationFilter, ConversationLine, SaidMessage


class ConversationList(Protocol):
    """Conversations and their messages, newest first. Every method raises StorageError."""

    async def page(
        self, wanted: ConversationFilter, *, limit: int, offset: int = 0, before: int | None = None
    ) -> list[ConversationLine]:
        """Return conversations, newest first; `before` is the id of the last one of the previous page."""
        ...

    async def count(self, wanted: ConversationFilter) -> int:
        """Return the number of conversations that match the filter."""
        ...

    async def find(self, conversation_id: int) -> ConversationLine | None:
        """Return a conversation, or None."""
        ...

    async def messages(
        self, conversation_id: int, *, limit: int, offset: int = 0, after: tuple[int, int] | None = None
    ) -> list[SaidMessage]:
        """Return messages, oldest first; `after` is the turn and number of the last message of the previous page."""
        ...

    async def last_messages(self, conversation_id: int, *, limit: int) -> list[SaidMessage]:
        """Return the last messages, oldest first."""
        ...

    async def count_messages(self, conversation_id: int) -> int:
        """Return how many messages a conversation has."""
        ...
