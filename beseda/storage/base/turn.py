"""Turns, as services see them."""

from typing import Protocol

from beseda.domain.conversation import Conversation
from beseda.domain.message import Message
from beseda.domain.turn import Part, Turn
from beseda.domain.usage import ModelCall


class PartStore(Protocol):
    """The parts of turns on their way to Telegram."""

    async def mark_sending(self, turn: Turn, part: Part) -> None:
        """Record that the call that sends `part` is about to be made, and the part's message id if it has one already.

        A part that is shown while it grows, in a turn that is still received, is stored here for the first time.
        """
        ...

    async def mark_placed(self, turn: Turn, part: Part) -> None:
        """Record `part.message_id` alone, or None if that message is gone and the part is sent anew."""
        ...

    async def mark_sent(self, turn: Turn, part: Part) -> None:
        """Record `part.state` and `part.message_id`. If no part is left, finish the turn and its updates as well.

        A finished turn becomes delivered, in the database and in `turn.state`, unless it has failed: then it stays
        failed.
        """
        ...

    async def finish(self, turn: Turn) -> None:
        """Record `turn.state` and `turn.reason` and mark its updates as processed, even if parts are unsent."""
        ...


class TurnStore(PartStore, Protocol):
    """Turns and their parts. Each method is one transaction, which may include the writes of other chats."""

    async def open(self, turn: Turn, message: Message | None) -> None:
        """Store a received turn and the user's message (None for a command), and link its updates to it.

        If the turn exists already (repeated after a restart, or retried with the next `attempt`), its state, reason and
        attempt are replaced; its message is replaced if one is given.
        """
        ...

    async def answer(self, turn: Turn, message: Message | None, call: ModelCall | None) -> None:
        """Store `turn.state`, `turn.reason`, `turn.attempt` and all of `turn.parts`.

        The assistant's message and the model call are stored if given. A turn that was not opened before is opened.
        """
        ...

    async def find(self, turn_id: int) -> Turn | None:
        """Return a turn with its parts (those of its last attempt) and updates, or None."""
        ...

    async def find_question(self, conversation: Conversation, message_id: int) -> Turn | None:
        """Return the newest turn of a conversation that was opened by this Telegram message, or None."""
        ...
