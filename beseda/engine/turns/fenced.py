"""Turn store that rejects writes after this replica lost the chat's lease (fencing)."""

import logging
from collections.abc import Awaitable, Callable

from beseda.core.clock import Clock
from beseda.core.errors import LeaseLostError
from beseda.core.message import Message
from beseda.core.usage import ModelCall
from beseda.db.database import Database
from beseda.db.group_commit import fenced
from beseda.engine.shards.leases import ShardOwnership
from beseda.engine.turns.model import Turn
from beseda.engine.turns.repository import LeadLookup, TurnRepository
from beseda.engine.updates.model import partition_of
from beseda.telegram.part import Part

log = logging.getLogger(__name__)


class FencedTurnRepository(TurnRepository):
    """Turns of one replica. Writes raise LeaseLostError if another replica owns the turn's chat.

    Otherwise a process that was suspended would overwrite the work of the new owner. `mark_placed` and `mark_sent`
    record facts that stay true under any owner of the chat, so they are not fenced.
    """

    def __init__(self, database: Database, ownership: ShardOwnership, clock: Clock, find_lead: LeadLookup) -> None:
        super().__init__(database, clock, find_lead)
        self._ownership = ownership

    async def open(self, turn: Turn, message: Message | None) -> None:
        """Store a received turn."""
        await self._write(turn, lambda: super(FencedTurnRepository, self).open(turn, message))

    async def answer(self, turn: Turn, message: Message | None, call: ModelCall | None) -> None:
        """Store the answer."""
        await self._write(turn, lambda: super(FencedTurnRepository, self).answer(turn, message, call))

    async def mark_sending(self, turn: Turn, part: Part) -> None:
        """Record that a part is about to be sent."""
        await self._write(turn, lambda: super(FencedTurnRepository, self).mark_sending(turn, part))

    async def finish(self, turn: Turn) -> None:
        """Close a turn."""
        await self._write(turn, lambda: super(FencedTurnRepository, self).finish(turn))

    async def _write(self, turn: Turn, write: Callable[[], Awaitable[None]]) -> None:
        """Make a write that is dropped if the lease ends while it waits for the database.

        It is retried if this process turns out to still hold the lease.
        """
        part = partition_of(turn.conversation.key.chat_id)
        while True:
            await self._ownership.confirm(part)
            try:
                with fenced(lambda: self._ownership.is_fresh(part)):
                    return await write()
            except LeaseLostError as error:
                log.debug("turn %d: %s", turn.id, error.detail)
