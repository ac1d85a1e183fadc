"""Protocols of the stores that may lose what they hold; each has an implementation in `memory` and one in `redis`.

Durable data (updates, turns, conversations, people, usage, leads) is in SQL. Short-lived data (history window, state,
cache, rate limits) is in Redis, or in the memory of this process if there is no Redis.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from beseda.core.message import Message


class Bus(Protocol):
    """Hints between processes. Delivery is at most once: a reader that needs certainty also reads the database.

    A hint is a small JSON object. Topics: `updates:{bot}`, `jobs:{bot}`, `territory:{bot}`, `conversations`, `leads`.
    """

    async def publish(self, topic: str, data: Mapping[str, object]) -> None:
        """Notify the current subscribers of `topic`, also those in this process. Never raises: failures are logged."""
        ...

    def subscribe(self, topic: str) -> AbstractAsyncContextManager[AsyncIterator[Mapping[str, object]]]:
        """Listen for the length of the block. If a listener is too slow, its oldest hints are dropped."""
        ...


class Cache(Protocol):
    """Cached values, which may vanish at any time, and counters."""

    async def get(self, key: str) -> bytes | None:
        """Return the value or None."""
        ...

    async def set(self, key: str, value: bytes, *, ttl: float) -> None:
        """Store a value for `ttl` seconds."""
        ...

    async def add(self, key: str, value: bytes, *, ttl: float) -> bool:
        """Store a value if the key has none, atomically. Return whether it was stored."""
        ...

    async def increment(self, key: str, *, by: int = 1, ttl: float) -> int:
        """Add to a counter atomically and return its new value; `ttl` starts at the first addition."""
        ...

    async def delete(self, key: str) -> None:
        """Delete a value; a missing one is no error."""
        ...


class HistoryStore(Protocol):
    """The hot window of a conversation: the list `chat_history:{user_id}` of role and content.

    A list may vanish, or return in an older state, at any time. The id of its last turn is stored beside it for
    comparison with the database: without it, a list that lost its beginning would look complete.
    """

    @property
    def limit(self) -> int:
        """The maximum number of messages in a list."""
        ...

    async def append(
        self, key: str, messages: Sequence[Message], *, turn_id: int = 0, after: int | None = None
    ) -> bool:
        """Append the messages of a turn atomically, trim the list to its limit and renew its time to live.

        With `after`, append only if that is the list's last turn (0: a new list). Return whether they were added.
        """
        ...

    async def fill(self, key: str, messages: Sequence[Message], turn_id: int) -> None:
        """Replace the list by messages from the database. The last of them belongs to turn `turn_id`."""
        ...

    async def last_turn(self, key: str) -> int:
        """Return the id of the last turn in the list, or 0 if it is unknown."""
        ...

    async def window(self, key: str, size: int) -> list[Message] | None:
        """Return the last `size` messages, oldest first, or None if the list is unknown (new or expired)."""
        ...

    async def clear(self, key: str) -> None:
        """Delete the list."""
        ...


class StateStore(Protocol):
    """Small JSON-able values of a chat or a person: mode, pending question."""

    async def get(self, key: str) -> dict[str, object] | None:
        """Return the value or None."""
        ...

    async def set(self, key: str, value: dict[str, object], *, ttl: float | None = None) -> None:
        """Store a value. It expires after `ttl` seconds if given."""
        ...

    async def delete(self, key: str) -> None:
        """Delete a value; a missing one is no error."""
        ...


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `limit` events in any `seconds`."""

    limit: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Quota:
    """The state of a rate after an event: seconds until it is allowed (0: it was), events left, seconds until one more.

    If processes share a limiter, the state covers all of them together.
    """

    wait: float
    left: int
    renewed: float


class RateLimiter(Protocol):
    """Rate limits by sliding windows."""

    async def spend(self, key: str, rate: Rate) -> Quota:
        """Count an event unless the rate is used up, and return the remaining quota. The limit must be above zero."""
        ...

    async def hit(self, key: str, rates: Sequence[Rate]) -> float:
        """Count an event unless a rate is used up; return 0, or the seconds until the event would be allowed."""
        ...

    async def reserve(self, key: str, rates: Sequence[Rate], *, age: float = 0.0) -> float:
        """Count an event of `age` seconds ago and return the seconds until the rates allow it; 0 if they allow it now.

        Events that are not allowed yet are counted as well, each at the time from which it is allowed, so that they
        queue. Because of `age`, events that were spread over the past do not count as a burst against their author.
        """
        ...


class TokenBucket(Protocol):
    """Token buckets: a common rate limit for several processes.

    `block` is the best number of tokens for one call: more than one if a call goes over the network.
    """

    @property
    def block(self) -> int:
        """The best number of tokens for one call."""
        ...

    async def take(self, key: str, wanted: int, *, rate: float, burst: float) -> tuple[int, float]:
        """Take up to `wanted` tokens of a bucket that gains `rate` tokens a second and holds `burst`.

        Return the number of tokens taken and, if it is 0, the seconds until a token is available.
        """
        ...
