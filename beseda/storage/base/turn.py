"""Turns, as services see them."""

from typing import Protocol

from beseda.domain.conversation import Conversation
from beseda.domain.message import Message
from beseda.domain.turn import Part, Turn
from beseda.domain.usage import ModelCall


class PartStore(Protocol):
    """The parts of turns on their way to Telegram."""

    async def mark_sending(self, turn: Turn, part: Part) -> None:
        """Record that the call that sends `part` is about to be made, and its message id where it has one already:
        a part that is shown while it grows, in a turn that is still received, is new to the record."""
        ...

    async def mark_placed(self, turn: Turn, part: Part) -> None:
        """Record `part.message_id` alone: its message, or None where that one is gone and the part is sent anew."""
        ...

    async def mark_sent(self, turn: Turn, part: Part) -> None:
        """Record `part.state` and `part.message_id`; with no part left, finish the turn and its updates as well.

        A finished turn becomes delivered, in the record and in `turn.state`, unless it has failed: then it stays so.
        """
        ...

    async def finish(self, turn: Turn) -> None:
        """Record `turn.state` and `turn.reason` and mark its updates as worked off, sent or not."""
        ...


class TurnStore(PartStore, Protocol):
    """Turns and their parts. Each method is one transaction, shared with what other chats write at that moment."""

    async def open(self, turn: Turn, message: Message | None) -> None:
        """Store a received turn, what the user said (none for a command), and tie its updates to it.

        Of a turn that is there already (asked anew by a restart, or retried with the next `attempt`), state, reason
        and attempt are taken over; its message, where one is given, replaces the earlier one.
        """
        ...

    async def answer(self, turn: Turn, message: Message | None, call: ModelCall | None) -> None:
        """Store the answer: `turn.state`, `turn.reason`, `turn.attempt` and all of `turn.parts` as they stand, the
        assistant's message and the model call where there are any. A turn not opened before is opened by it."""
        ...

    async def find(self, turn_id: int) -> Turn | None:
        """Return a turn with its parts (those of its last attempt) and updates, or None."""
        ...

    async def find_question(self, conversation: Conversation, message_id: int) -> Turn | None:
        """Return the newest turn of a conversation that a message of Telegram opened, or None."""
        ...
