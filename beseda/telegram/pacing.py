"""How fast Telegram lets a bot talk, as pure logic over a clock.

About one message a second to a chat with short bursts allowed, twenty a minute to a group, edits counted alike:
https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
"""

from collections import OrderedDict

from beseda.domain.conversation import ChatKind
from beseda.kit.clock import Clock

_PRIVATE_EVERY, _GROUP_EVERY = 1.0, 3.0
_BURST = 3
_CHATS_KEPT = 20_000


class Pacer:
    """Says how long to wait before the next call to a chat; `enabled` off leaves only what Telegram itself said."""

    def __init__(self, clock: Clock, *, enabled: bool = True) -> None:
        self._clock = clock
        self._enabled = enabled
        # For each chat the moment at which its burst will be whole again (a leaky bucket as one number).
        self._full_at: OrderedDict[int, float] = OrderedDict()
        self._closed_until: dict[int, float] = {}

    def delay(self, chat_id: int, kind: ChatKind) -> float:
        """Return the seconds until a call to the chat is allowed, without counting one."""
        now = self._clock.monotonic()
        closed = self._closed_until.get(chat_id, 0.0) - now
        if closed <= 0:
            self._closed_until.pop(chat_id, None)
        every = _every(kind)
        crowded = self._full_at.get(chat_id, 0.0) - now - every * (_BURST - 1) if self._enabled else 0.0
        return max(0.0, closed, crowded)

    def count(self, chat_id: int, kind: ChatKind) -> None:
        """Count a call that is made now."""
        if not self._enabled:
            return
        now = self._clock.monotonic()
        self._full_at[chat_id] = max(now, self._full_at.get(chat_id, 0.0)) + _every(kind)
        self._full_at.move_to_end(chat_id)
        if len(self._full_at) > _CHATS_KEPT:
            self._full_at.popitem(last=False)

    def close(self, chat_id: int, seconds: float) -> None:
        """Obey a 429: nothing to this chat for `seconds`."""
        self._closed_until[chat_id] = self._clock.monotonic() + seconds


def _every(kind: ChatKind) -> float:
    return _PRIVATE_EVERY if kind is ChatKind.PRIVATE else _GROUP_EVERY
