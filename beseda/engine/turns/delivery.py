"""Sending the parts of turns, so that each goes out once.

    mark_sending (stored) ──► the call ──► message id (stored)
                                 └─ not answered ──► look_up ──► found, or sent once more

All that a bot sends goes through here: answers, notices, menus, operators' messages, the progress of jobs. Broadcasts
have rows of their own (`beseda.features.broadcasts.mailing`).
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Any

from beseda.core.backoff import Backoff
from beseda.core.errors import (
    RowRefusedError,
    StorageError,
    TelegramForbiddenError,
    TelegramGoneError,
    TelegramRefusedError,
    TelegramUnansweredError,
)
from beseda.core.tasks import end_tasks
from beseda.engine.turns.model import Turn, TurnState
from beseda.engine.turns.repository import TurnRepository
from beseda.telegram.base import LookupResult, Messenger, Target
from beseda.telegram.part import Part, PartState

log = logging.getLogger(__name__)

_LAST_WORD, _LAST_RECORD = 3.0, 0.5  # seconds for a call under way at the end, and of these for its record
# Repeats of a send: that was searched for everywhere, at the likeliest ids alone, and not at all. A process may die
# several times between the mark and the call, so that one repeat would lose an answer that was never sent.
_REPEATS, _REPEATS_SEARCHED, _REPEATS_UNSEARCHED = 8, 3, 1
BLOCKED, REFUSED = "blocked", "refused by Telegram"


class Delivery:
    """The outbox of one bot. Each part is stored first, then marked before and after the call that sends it."""

    def __init__(self, messenger: Messenger, turns: TurnRepository) -> None:
        self._messenger = messenger
        self._turns = turns
        self.records = SentRecords()

    async def deliver(self, turn: Turn, target: Target) -> None:
        """Send the parts that have not been sent and close the turn.

        Waits out floods and absences of Telegram. Raises TelegramUnauthorizedError and leaves the turn as it is.
        """
        unsent = turn.unsent()
        if await self.send(turn, unsent, target) and not unsent:
            await self._turns.finish(turn)

    async def send(self, turn: Turn, parts: Sequence[Part], target: Target) -> bool:
        """Send some of the parts. The turn is closed with its last unsent part.

        Return False if the turn was given up because Telegram refuses messages to the chat. Raises
        TelegramUnauthorizedError and leaves the turn unchanged.
        """
        was_closed = self._messenger.is_closed(target)
        try:
            for part in parts:
                await self._place(turn, part, target)
                await self._mark_sent(turn, part)
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

    async def show(self, turn: Turn, part: Part, target: Target) -> None:
        """Send or edit a part that will change again: progress. Raises as `beseda.telegram.base.Messenger.put`."""
        known = part.message_id
        await self._place(turn, part, target, ends=False)
        if part.message_id != known:
            await self.records.keep(partial(self._turns.mark_placed, turn, part))

    async def record_growing(self, turn: Turn, part: Part) -> None:
        """Record a part around the call that shows the first words of an answer. Raises StorageError before it."""
        if part.message_id is None:
            await self._turns.mark_sending(turn, part)
        else:
            await self.records.keep(partial(self._turns.mark_placed, turn, part))

    async def is_hopeless(self, turn: Turn, target: Target) -> bool:
        """Return whether Telegram refuses all that is sent to the chat; the turn is closed then, no model asked."""
        if not self._messenger.is_closed(target):
            return False
        log.info("turn %d is not answered: chat %d takes no messages", turn.id, target.chat.chat_id)
        await self._give_up(turn, REFUSED)
        return True

    async def close(self, *, within: float = 1.0) -> None:
        """Give records that wait for the database this many seconds."""
        await self.records.close(within=within)

    async def _place(self, turn: Turn, part: Part, target: Target, *, ends: bool = True) -> None:
        """Bring a part into the chat: it has its message id then, or is unconfirmed. `ends` marks its last content."""
        if part.state is PartState.UNCONFIRMED:
            return
        while not (part.state is PartState.UNKNOWN and await self._is_settled(turn, part, target)):
            try:
                part.message_id = await self._call(turn, part, target, ends=ends)
            except TelegramGoneError as error:
                log.info("turn %d: sent again, its message refuses edits: %s", turn.id, error.detail)
                part.message_id, part.state = None, PartState.PENDING
                await self._turns.mark_placed(turn, part)
            except TelegramUnansweredError as error:
                log.warning("turn %d: a message may have been sent: %s", turn.id, error.detail)
            else:
                return

    async def _is_settled(self, turn: Turn, part: Part, target: Target) -> bool:
        """Search for an unknown part; return whether it needs no call: it is in the chat as it stands, or given up."""
        finding = await self._messenger.look_up(target, part)
        changed = bool(part.sent_as) and part.sent_as != part.content()
        if finding.message_id is not None:
            log.info("turn %d: found as message %d, not sent again", turn.id, finding.message_id)
            part.message_id, part.state, part.sent_as = finding.message_id, PartState.SENDING, ""
            if changed:
                await self.records.keep(partial(self._turns.mark_placed, turn, part))
            return not changed
        part.sent_as = ""
        if part.repeats >= _limit_repeats(finding):
            log.warning("turn %d: whether a message arrived stays unknown, it was repeated", turn.id)
            part.state = PartState.UNCONFIRMED
            return True
        part.repeats += 1
        part.state = PartState.PENDING
        return False

    async def _call(self, turn: Turn, part: Part, target: Target, *, ends: bool) -> int:
        begin = partial(self._turns.mark_sending, turn, part)
        call = asyncio.ensure_future(self._messenger.put(target, part, begin))
        try:
            return await asyncio.shield(call)
        except asyncio.CancelledError:
            await self._await_last(call, turn, part, ends=ends)
            raise

    async def _await_last(self, call: "asyncio.Future[int]", turn: Turn, part: Part, *, ends: bool) -> None:
        """At the end of the program wait a moment for a call under way: its message would have to be searched for."""
        ends_at = asyncio.get_running_loop().time() + _LAST_WORD
        await asyncio.wait([call], timeout=_LAST_WORD - _LAST_RECORD)
        if call.cancel():  # it had not ended
            await asyncio.wait([call])
        if not call.cancelled() and call.exception() is None:
            part.message_id = call.result()
            with contextlib.suppress(RowRefusedError, TimeoutError):
                async with asyncio.timeout_at(ends_at):
                    if ends:
                        await self._mark_sent(turn, part)
                    else:
                        await self.records.keep(partial(self._turns.mark_placed, turn, part))

    async def _mark_sent(self, turn: Turn, part: Part) -> None:
        if part.state is not PartState.UNCONFIRMED:
            part.state = PartState.SENT
        if not turn.unsent() and turn.state is TurnState.ANSWERED:
            turn.state = TurnState.DELIVERED
        await self.records.keep(partial(self._turns.mark_sent, turn, part))

    async def _give_up(self, turn: Turn, reason: str) -> None:
        for part in turn.unsent():
            part.state = PartState.DROPPED
        turn.state, turn.reason = TurnState.FAILED, reason
        await self._turns.finish(turn)


def _limit_repeats(finding: LookupResult) -> int:
    if finding.is_certain:
        return _REPEATS
    return _REPEATS_SEARCHED if finding.is_searched else _REPEATS_UNSEARCHED


class SentRecords:
    """Writes such facts for as long as the database is away: a fact that is forgotten is a message sent twice."""

    def __init__(self) -> None:
        self._writing: set[asyncio.Task[None]] = set()
        self._backoff = Backoff(first=0.5, cap=5.0)

    async def keep(self, write: Callable[[], Awaitable[None]]) -> None:
        """Write a fact and return once it is written, whenever that is.

        A caller that is cancelled stops waiting, and the fact is written all the same. Raises RowRefusedError.
        """
        try:
            await write()  # the ordinary case costs no task
        except RowRefusedError:
            raise
        except StorageError as error:
            log.warning("sent, and not stored yet: %s", error.detail)
            await asyncio.shield(self._start(self._insist(write, failed=1)))
        except asyncio.CancelledError:
            self._start(self._insist(write))  # to write it twice does no harm
            raise

    async def close(self, *, within: float) -> None:
        """Wait for pending writes for at most `within` seconds."""
        if self._writing:
            _, late = await asyncio.wait(set(self._writing), timeout=within)
            if late:
                log.warning("%d messages were sent and are not stored", len(late))
            await end_tasks(late)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._writing.add(task)
        task.add_done_callback(self._finish)
        return task

    def _finish(self, task: asyncio.Task[None]) -> None:
        self._writing.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a message was sent and is not stored: %s", error)

    async def _insist(self, write: Callable[[], Awaitable[None]], *, failed: int = 0) -> None:
        while True:
            if failed:
                await asyncio.sleep(self._backoff.delay(failed - 1))
            try:
                return await write()
            except RowRefusedError:
                raise
            except StorageError as error:
                log.warning("sent, and not stored yet: %s", error.detail)
                failed += 1
