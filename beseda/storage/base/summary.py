"""Summaries of conversations, as services see them."""

from typing import Protocol

from beseda.domain.summary import Piece, Summary


class SummaryStore(Protocol):
    """One summary per conversation. It is deleted when the conversation is cleared or a participant is forgotten.

    A window is the number of last messages that the model receives beside the summary. Methods raise StorageError.
    """

    async def find(self, conversation_id: int) -> Summary | None:
        """Return a conversation's summary, or None."""
        ...

    async def count(self, conversation_id: int, window: int) -> int:
        """Return the number of messages that are neither in the window nor in the summary."""
        ...

    async def next_piece(self, conversation_id: int, window: int, limit: int) -> Piece | None:
        """Return the oldest of those messages, about `limit` of them, or None if there are none."""
        ...

    async def save(self, piece: Piece, text: str, model: str) -> Summary | None:
        """Store the summary up to the end of a piece. Return None if its messages were deleted meanwhile."""
        ...
