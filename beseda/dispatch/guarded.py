"""The record of turns as a replica may write it: while the chat is its own."""

from beseda.dispatch.territory import Ground
from beseda.domain.conversation import Conversation
from beseda.domain.message import Message
from beseda.domain.turn import Part, Turn
from beseda.domain.update import partition_of
from beseda.domain.usage import ModelCall
from beseda.storage.base.turn import TurnStore


class GuardedTurns:
    """A `TurnStore` that raises LeaseLostError where another replica has the turn's chat by now.

    A process that stood still would otherwise write over what the new owner has done since.
    """

    def __init__(self, turns: TurnStore, ground: Ground) -> None:
        self._turns = turns
        self._ground = ground

    async def open(self, turn: Turn, message: Message | None) -> None:
        """Store a received turn."""
        await self._confirm(turn)
        await self._turns.open(turn, message)

    async def answer(self, turn: Turn, message: Message | None, call: ModelCall | None) -> None:
        """Store the answer."""
        await self._confirm(turn)
        await self._turns.answer(turn, message, call)

    async def mark_sending(self, turn: Turn, part: Part) -> None:
        """Record that a part is about to be sent."""
        await self._confirm(turn)
        await self._turns.mark_sending(turn, part)

    async def mark_placed(self, turn: Turn, part: Part) -> None:
        """Record the message of a part: that stays true whoever has the chat."""
        await self._turns.mark_placed(turn, part)

    async def mark_sent(self, turn: Turn, part: Part) -> None:
        """Record that a part was sent: that stays true whoever has the chat."""
        await self._turns.mark_sent(turn, part)

    async def finish(self, turn: Turn) -> None:
        """Close a turn."""
        await self._confirm(turn)
        await self._turns.finish(turn)

    async def find(self, turn_id: int) -> Turn | None:
        """Return a turn."""
        return await self._turns.find(turn_id)

    async def find_question(self, conversation: Conversation, message_id: int) -> Turn | None:
        """Return the turn that a message opened."""
        return await self._turns.find_question(conversation, message_id)

    async def _confirm(self, turn: Turn) -> None:
        await self._ground.confirm(partition_of(turn.conversation.key.chat_id))
