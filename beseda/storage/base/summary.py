"""Summaries of conversations, as services see them."""

from typing import Protocol

from beseda.domain.summary import Piece, Summary


class SummaryStore(Protocol):
    """One summary a conversation; wiping a conversation, or forgetting somebody who spoke there, deletes it.

    A window is how many of the last messages the model is shown beside it. Methods raise StorageError.
    """

    async def find(self, conversation_id: int) -> Summary | None:
        """Return a conversation's summary, or None."""
        ...

    async def count(self, conversation_id: int, window: int) -> int:
        """Return how many messages are neither in the window nor in the summary."""
        ...

    async def next_piece(self, conversation_id: int, window: int, limit: int) -> Piece | None:
        """Return the oldest of those messages, about `limit` of them, or None where there are none."""
        ...

    async def save(self, piece: Piece, text: str, model: str) -> Summary | None:
        """Keep the summary of a piece and of all before; None where what it tells of was deleted meanwhile."""
        ...
