"""Sending what a turn has to say, so that each part goes out once."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence

from beseda.domain.turn import Part, PartState, Turn, TurnState
from beseda.errors import StorageError, TelegramForbiddenError, TelegramRefusedError
from beseda.storage.base.turn import TurnStore
from beseda.telegram.base import Messenger, Target

log = logging.getLogger(__name__)

_LAST_WORD = 3.0  # seconds
BLOCKED, REFUSED = "blocked", "refused by Telegram"


class Delivery:
    """The outbox of one bot. What it sends was stored before, and is marked around the call that sends it."""

    def __init__(self, messenger: Messenger, turns: TurnStore) -> None:
        self._messenger = messenger
        self._turns = turns

    async def deliver(self, turn: Turn, target: Target) -> None:
        """Send the parts that have not been sent and close the turn.

        Waits out floods and absences of Telegram. Raises TelegramUnauthorizedError and leaves the turn as it is.
        """
        unsent = turn.unsent()
        if await self.send(turn, unsent, target) and not unsent:
            await self._turns.finish(turn)

    async def send(self, turn: Turn, parts: Sequence[Part], target: Target) -> bool:
        """Send some of the parts; the last one unsent closes the turn. Return False where the turn had to be given up.

        Raises TelegramUnauthorizedError and leaves the turn as it is.
        """
        was_closed = self._messenger.is_closed(target)
        try:
            for part in parts:
                await self._send(turn, part, target)
        except TelegramForbiddenError:
            await self._give_up(turn, BLOCKED)
        except TelegramRefusedError as error:
            level = logging.INFO if was_closed else logging.WARNING
            place = turn.conversation.title or "private"
            log.log(level, "chat %d (%s) takes no messages: %s", target.chat.chat_id, place, error.detail)
            await self._give_up(turn, REFUSED)
        else:
            return True
        return False

    async def is_hopeless(self, turn: Turn, target: Target) -> bool:
        """Return whether Telegram refuses all that is sent to the chat; the turn is closed then, no model asked."""
        if not self._messenger.is_closed(target):
            return False
        log.info("turn %d is not answered: chat %d takes no messages", turn.id, target.chat.chat_id)
        await self._give_up(turn, REFUSED)
        return True

    async def _send(self, turn: Turn, part: Part, target: Target) -> None:
        await self._messenger.wait(target)
        if part.state is PartState.PENDING:
            part.state = PartState.SENDING
            await self._turns.mark_sending(turn, part)
        call = asyncio.ensure_future(self._messenger.put(target, part))
        try:
            part.message_id = await asyncio.shield(call)
        except asyncio.CancelledError:
            await self._await_last(call, turn, part)
            raise
        await self._mark_sent(turn, part)

    async def _await_last(self, call: "asyncio.Future[int]", turn: Turn, part: Part) -> None:
        """At the end of the program wait a moment for a call under way: the next start would make it once more."""
        await asyncio.wait([call], timeout=_LAST_WORD)
        if call.cancel():  # it had not ended
            await asyncio.wait([call])
        if not call.cancelled() and call.exception() is None:
            part.message_id = call.result()
            with contextlib.suppress(StorageError):
                await self._mark_sent(turn, part)

    async def _mark_sent(self, turn: Turn, part: Part) -> None:
        part.state = PartState.SENT
        if not turn.unsent() and turn.state is TurnState.ANSWERED:
            turn.state = TurnState.DELIVERED
        await self._turns.mark_sent(turn, part)

    async def _give_up(self, turn: Turn, reason: str) -> None:
        for part in turn.unsent():
            part.state = PartState.DROPPED
        turn.state, turn.reason = TurnState.FAILED, reason
        await self._turns.finish(turn)
