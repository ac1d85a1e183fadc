"""Conversations, as services see them."""

from typing import Protocol

from beseda.domain.conversation import ChatKey, ChatKind, Conversation, Person
from beseda.domain.message import Message
from beseda.domain.usage import Totals


class ConversationStore(Protocol):
    """Conversations, their people and messages."""

    async def open(self, key: ChatKey, kind: ChatKind, title: str, person: Person) -> Conversation:
        """Return the conversation at `key`, creating it if necessary. Record that `person` was seen now."""
        ...

    async def move(self, bot: str, old: int, new: int) -> None:
        """Move the conversations of chat `old` to chat `new`. A conversation that exists there already stays."""
        ...

    async def recent(self, conversation: Conversation, limit: int) -> list[Message]:
        """Return the last `limit` messages of delivered or answered turns, oldest first; failed turns do not count.

        The order is that of the turns: a late answer, after a retry, comes directly after its question.
        """
        ...

    async def last_turn(self, conversation: Conversation, *, before: int | None = None) -> int:
        """Return the id of the last turn with messages in `recent`, below `before` if given, or 0 if there is none."""
        ...

    async def clear(self, conversation: Conversation) -> int:
        """Delete the messages of the conversation and return their number.

        Unanswered questions and unsent answers keep their text until they are finished.
        """
        ...

    async def totals(self, conversation: Conversation) -> Totals:
        """Return the total usage of the conversation. Deleting its messages does not reduce it."""
        ...
