"""Rate limits of Telegram on the messages of a bot.

About one message a second to a chat with short bursts allowed, twenty a minute to a group, thirty a second in all,
edits counted alike: https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this

A chat has one owner among the replicas, so its rate is kept in memory. The rate of the bot is shared by all replicas
and workers. After a flood wait all calls go at four fifths of their rate, and a tenth faster every five minutes.
"""

import asyncio
from collections import OrderedDict

from beseda.core.chat import ChatKind
from beseda.core.clock import Clock
from beseda.ephemeral.base import TokenBucket

_PRIVATE_EVERY, _GROUP_EVERY = 1.0, 3.0
_BURST = 3
_CHATS_KEPT = 20_000
BOT_RATE = 30.0  # messages a second
_SLOWER, _SLOWEST, _FASTER, _FASTER_EVERY = 0.8, 0.2, 0.1, 300.0
_TOGETHER, _TOGETHER_SECONDS = 3, 5.0  # chats that meet a 429 within this time, and it is the bot's
_BLOCK_SECONDS = 0.5  # that tokens taken ahead are good for


class Pacer:
    """Computes the delay before the next call to a chat. With `enabled` off only Telegram's flood waits count."""

    def __init__(self, clock: Clock, *, enabled: bool = True, bot: int = 0, tokens: TokenBucket | None = None) -> None:
        """`bot` is the id of the bot; its rate is counted in `tokens`, if given."""
        self._clock = clock
        self._enabled = enabled
        self._key = f"bot:{bot}"
        self._tokens = tokens if enabled else None
        self._ahead, self._taken_at = 0, float("-inf")
        self._empty_until = float("-inf")
        # Callers wait in the order they came, and only the first polls the bucket: a thousand that polled together
        # asked it 27,000 times a second and served the last to come first.
        self._line = asyncio.Lock()
        self._pace, self._paced_at = 1.0, 0.0
        # For each chat the moment at which its burst will be whole again (a leaky bucket as one number).
        self._full_at: OrderedDict[int, float] = OrderedDict()
        self._closed_until: dict[int, float] = {}
        self._closed_lately: dict[int, tuple[float, float]] = {}  # when each of them met a 429, and of how long
        self._bot_closed_until = float("-inf")

    @property
    def pace(self) -> float:
        """The share of the full pace at which the bot talks: below 1 for a while after a flood wait."""
        steps = int((self._clock.monotonic() - self._paced_at) / _FASTER_EVERY) if self._pace < 1.0 else 0
        return min(1.0, self._pace + _FASTER * steps)

    def delay(self, chat_id: int, kind: ChatKind) -> float:
        """Return the seconds until a call to the chat is allowed, without counting one."""
        now = self._clock.monotonic()
        closed = self._closed_until.get(chat_id, 0.0) - now
        if closed <= 0:
            self._closed_until.pop(chat_id, None)
        every = self._every(kind)
        crowded = self._full_at.get(chat_id, 0.0) - now - every * (_BURST - 1) if self._enabled else 0.0
        return max(0.0, closed, crowded)

    def count(self, chat_id: int, kind: ChatKind) -> None:
        """Count a call that is made now."""
        if not self._enabled:
            return
        now = self._clock.monotonic()
        self._full_at[chat_id] = max(now, self._full_at.get(chat_id, 0.0)) + self._every(kind)
        self._full_at.move_to_end(chat_id)
        if len(self._full_at) > _CHATS_KEPT:
            self._full_at.popitem(last=False)

    async def wait_for_bot(self) -> None:
        """Wait until the bot may make one more call, and count it; callers are served in order of arrival."""
        async with self._line:
            while (wait := await self._take()) > 0:
                await self._clock.sleep(wait)

    async def has_room(self) -> bool:
        """Count a call that only shows progress, and return whether it may be made: it never waits for a token.

        Messages go first: while one waits for a token, progress gets none.
        """
        return not self._line.locked() and await self._take() <= 0

    def close(self, chat_id: int, seconds: float) -> None:
        """Obey a 429: make no call to this chat for `seconds`, and slow down all calls from now on.

        Telegram does not name the limited chat or bot. If several chats meet a 429 within seconds, the bot is limited:
        then no calls go to any chat for the shortest of these waits.
        """
        now = self._clock.monotonic()
        self._closed_until[chat_id] = now + seconds
        self._closed_lately[chat_id] = (now, seconds)
        self._closed_lately = {
            chat: found for chat, found in self._closed_lately.items() if now - found[0] <= _TOGETHER_SECONDS
        }
        if len(self._closed_lately) >= _TOGETHER:
            shortest = min(at + wait for at, wait in self._closed_lately.values())
            self._bot_closed_until = max(self._bot_closed_until, shortest)
        self._pace, self._paced_at = max(_SLOWEST, self.pace * _SLOWER), now

    async def _take(self) -> float:
        """Take a token of the bot's; return 0, or the seconds until there is one."""
        now = self._clock.monotonic()
        if now < self._bot_closed_until:
            return self._bot_closed_until - now
        if self._tokens is None:
            return 0.0
        if now < self._empty_until:
            return self._empty_until - now
        is_busy = now - self._taken_at < _BLOCK_SECONDS
        if is_busy and self._ahead:
            self._ahead -= 1
            return 0.0
        rate = BOT_RATE * self.pace
        # One that talks now and then takes what it needs; one that is busy takes some ahead, to ask less often.
        wanted = self._tokens.block if is_busy else 1
        taken, wait = await self._tokens.take(self._key, wanted, rate=rate, burst=rate)
        self._ahead, self._taken_at = max(0, taken - 1), now
        if taken:
            return 0.0
        wait = max(wait, 0.01)
        self._empty_until = now + wait
        return wait

    def _every(self, kind: ChatKind) -> float:
        return (_PRIVATE_EVERY if kind is ChatKind.PRIVATE else _GROUP_EVERY) / self.pace
