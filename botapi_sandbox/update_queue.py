"""The updates of one bot, until it has confirmed them."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botapi_sandbox.refusals import conflict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from botapi_sandbox.id_sequence import PersistentIdSequence

# #getupdates: everything but these three is sent unless asked for.
_NOT_BY_DEFAULT = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
_KIND_NAMES = (
    "message edited_message channel_post edited_channel_post business_connection business_message "
    "edited_business_message deleted_business_messages guest_message message_reaction message_reaction_count "
    "inline_query chosen_inline_result callback_query shipping_query pre_checkout_query purchased_paid_media poll "
    "poll_answer my_chat_member chat_member chat_join_request chat_boost removed_chat_boost managed_bot subscription "
    "stopped_message_generation"
)
UPDATE_KINDS = frozenset(_KIND_NAMES.split())
MAX_LONG_POLL_SECONDS = 50
# Seconds until an update is dropped; the numbers, and those below, are from Client.cpp of Telegram's own server.
_DAY = 86_400
_KEPT_SECONDS = {"callback_query": 150}
# What is delivered beside the messages of a chat: lane of its own, by the chat or by the person.
_LANES = {
    "callback_query": 3,
    "my_chat_member": 5,
    "chat_member": 6,
    "message_reaction": 8,
    "message_reaction_count": 9,
    "stopped_message_generation": 14,
}
_LANE_BITS = 33
_FUTURE_IDS = 10
_SAME_POLL_SECONDS = 0.5
_BY_OTHER_POLLER = "terminated by other getUpdates request; make sure that only one bot instance is running"
_BY_WEBHOOK = "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"


@dataclass(frozen=True, slots=True, eq=False)
class PendingUpdate:
    """An update a bot has not confirmed yet; updates with the same `lane` stay in order."""

    id: int
    body: dict[str, Any]
    lane: int
    expires: float


class UpdateQueue:
    """One bot's updates: kept until an offset passes them or a webhook took them, at most a day.

    `hold_seconds` is how long Telegram's server slows down a bot that asks for the same again; 0 switches that off.
    """

    def __init__(self, ids: PersistentIdSequence, kept: int, *, hold_seconds: float = 3.0) -> None:
        self._ids = ids
        self._hold_seconds = hold_seconds
        self._last_offset: int | None = None
        self._last_poll = 0.0
        self._next_conflict = 0.0
        self._pending: deque[PendingUpdate] = deque(maxlen=kept)
        self._last_batch: list[PendingUpdate] = []
        self._poller: asyncio.Future[None] | None = None
        self._arrived = asyncio.Event()
        self._allowed: frozenset[str] | None = None
        self.webhook_is_set = False
        self._repeat = False
        self._closed = False

    @property
    def allowed(self) -> list[str] | None:
        """The kinds the bot asked for, None for the default ones."""
        return None if self._allowed is None else sorted(self._allowed)

    def set_allowed(self, kinds: Any) -> None:
        """Remember the kinds asked for; no list leaves things as they were, an empty one restores the default."""
        if isinstance(kinds, list):
            known = frozenset(kind for kind in kinds if isinstance(kind, str)) & UPDATE_KINDS
            self._allowed = known or None

    def push(self, kind: str, payload: Any, owner_id: int = 0) -> int | None:
        """Queue an update and return its id, or None when the bot does not want this kind.

        `owner_id` is the chat or the person that the order of delivery is kept for.
        """
        if kind in UPDATE_KINDS:
            wanted = kind not in _NOT_BY_DEFAULT if self._allowed is None else kind in self._allowed
            if not wanted:
                return None
        update_id = self._ids.take()
        lane = owner_id + (_LANES.get(kind, 0) << _LANE_BITS)
        expires = time.time() + _KEPT_SECONDS.get(kind, _DAY)
        self._pending.append(PendingUpdate(update_id, {"update_id": update_id, kind: payload}, lane, expires))
        self._arrived.set()
        return update_id

    async def poll(self, offset: int, limit: int, timeout: float) -> list[dict[str, Any]]:
        """Wait up to `timeout` seconds for updates; raises ApiRefusalError 409 as Telegram does."""
        if self.webhook_is_set:
            raise conflict(_BY_WEBHOOK)
        self._confirm(offset)
        limit, timeout = self._slow_down(offset, limit, timeout)
        if not self._pending and timeout > 0 and not (self._closed or self._repeat):
            self._interrupt(_BY_OTHER_POLLER)
            await self._wait(timeout)
        if self._repeat:
            self._repeat = False
            return [update.body for update in self._last_batch]
        self._last_batch = [update for _, update in zip(range(limit), self._pending, strict=False)]
        return [update.body for update in self._last_batch]

    def _slow_down(self, offset: int, limit: int, timeout: float) -> tuple[int, float]:
        """Hold a poll that repeats the last one, and return one update at a time, as Telegram does."""
        now = time.monotonic()
        is_repeated = offset == self._last_offset
        age = now - self._last_poll
        self._last_offset, self._last_poll = offset, now
        if not self._hold_seconds or not is_repeated:
            return limit, timeout
        if age < self._hold_seconds:
            timeout = max(timeout, self._hold_seconds)
        return (1 if age < _SAME_POLL_SECONDS else limit), timeout

    def repeat_last_batch(self) -> None:
        """The next poll hands the last batch out again, whatever its offset."""
        self._repeat = True
        self._arrived.set()

    def _confirm(self, offset: int) -> None:
        if offset < 0:
            while len(self._pending) > -offset:
                self._pending.popleft()
        # An offset of another bot or another server's run drops nothing (TQueue.cpp, "from_id is in the future").
        if offset <= self._ids.last + 1 + _FUTURE_IDS:
            while self._pending and self._pending[0].id < offset:
                self._pending.popleft()
        now = time.time()
        if any(update.expires < now for update in self._pending):
            kept = [update for update in self._pending if update.expires >= now]
            self._pending.clear()
            self._pending.extend(kept)

    async def _wait(self, timeout: float) -> None:
        poller = self._poller = asyncio.get_running_loop().create_future()
        arrival = asyncio.ensure_future(self._arrived.wait())
        self._arrived.clear()
        try:
            await asyncio.wait({poller, arrival}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            if poller.done():
                poller.result()
        finally:
            arrival.cancel()
            if self._poller is poller:
                self._poller = None

    def _interrupt(self, reason: str) -> None:
        """End a waiting poll with 409, later if another one ended within the last three seconds."""
        poller, self._poller = self._poller, None
        if poller is None or poller.done():
            return
        loop, now = asyncio.get_running_loop(), time.monotonic()
        if now >= self._next_conflict:
            self._next_conflict = now + self._hold_seconds
            poller.set_exception(conflict(reason))
        else:
            loop.call_later(self._hold_seconds, _refuse, poller, reason)

    def start_webhook(self) -> None:
        """From now on a webhook takes the updates; a waiting poll ends with a conflict."""
        self._interrupt("terminated by setWebhook request")
        self.webhook_is_set = True
        self._arrived.set()

    def stop_webhook(self) -> None:
        """Updates wait for getUpdates again."""
        self.webhook_is_set = False

    async def wait_for_arrival(self) -> None:
        """Return once there may be something new."""
        await self._arrived.wait()
        self._arrived.clear()

    def list_pending(self) -> Iterable[PendingUpdate]:
        """The unconfirmed updates, oldest first."""
        return list(self._pending)

    def remove(self, update: PendingUpdate) -> None:
        """A webhook took this one."""
        if update in self._pending:
            self._pending.remove(update)

    def count(self) -> int:
        """How many updates wait."""
        return len(self._pending)

    def clear(self) -> None:
        """Drop all pending updates (`drop_pending_updates`)."""
        self._pending.clear()
        self._last_batch = []

    def close(self) -> None:
        """Let a waiting poll answer at once, and later ones too."""
        self._closed = True
        if self._poller is not None and not self._poller.done():
            self._poller.set_result(None)


def _refuse(poller: asyncio.Future[None], reason: str) -> None:
    if not poller.done():
        poller.set_exception(conflict(reason))
