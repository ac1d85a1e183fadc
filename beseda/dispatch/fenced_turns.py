"""Turn store that rejects writes after this replica lost the chat's lease (fencing)."""

import logging
from collections.abc import Awaitable, Callable

from beseda.dispatch.shard_leases import ShardOwnership
from beseda.domain.conversation import Conversation
from beseda.domain.message import Message
from beseda.domain.turn import Part, Turn
from beseda.domain.update import partition_of
from beseda.domain.usage import ModelCall
from beseda.errors import LeaseLostError
from beseda.kit.fencing import fenced
from beseda.storage.base.turn import TurnStore

log = logging.getLogger(__name__)


class FencedTurnStore:
    """A `TurnStore` that raises LeaseLostError if another replica owns the turn's chat.

    Otherwise a process that was suspended would overwrite the work of the new owner.
    """

    def __init__(self, turns: TurnStore, ground: ShardOwnership) -> None:
        self._turns = turns
        self._ground = ground

    async def open(self, turn: Turn, message: Message | None) -> None:
        """Store a received turn."""
        await self._write(turn, lambda: self._turns.open(turn, message))

    async def answer(self, turn: Turn, message: Message | None, call: ModelCall | None) -> None:
        """Store the answer."""
        await self._write(turn, lambda: self._turns.answer(turn, message, call))

    async def mark_sending(self, turn: Turn, part: Part) -> None:
        """Record that a part is about to be sent."""
        await self._write(turn, lambda: self._turns.mark_sending(turn, part))

    async def mark_placed(self, turn: Turn, part: Part) -> None:
        """Record the message of a part. This fact stays true under any owner of the chat, so it is not fenced."""
        await self._turns.mark_placed(turn, part)

    async def mark_sent(self, turn: Turn, part: Part) -> None:
        """Record that a part was sent. This fact stays true under any owner of the chat, so it is not fenced."""
        await self._turns.mark_sent(turn, part)

    async def finish(self, turn: Turn) -> None:
        """Close a turn."""
        await self._write(turn, lambda: self._turns.finish(turn))

    async def find(self, turn_id: int) -> Turn | None:
        """Return a turn."""
        return await self._turns.find(turn_id)

    async def find_question(self, conversation: Conversation, message_id: int) -> Turn | None:
        """Return the turn that a message opened."""
        return await self._turns.find_question(conversation, message_id)

    async def _write(self, turn: Turn, write: Callable[[], Awaitable[None]]) -> None:
        """Make a write that is dropped if the lease ends while it waits for the database.

        It is retried if this process turns out to still hold the lease.
        """
        part = partition_of(turn.conversation.key.chat_id)
        while True:
            await self._ground.confirm(part)
            try:
                with fenced(lambda: self._ground.is_fresh(part)):
                    return await write()
            except LeaseLostError as error:
                log.debug("turn %d: %s", turn.id, error.detail)
