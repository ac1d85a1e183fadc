"""Operation during a Redis outage: each process works alone, and the processes share data again once it is over.

The cache loses its values, limits count per process, and state is read from the database. None of these is a reason to
reject a person's request.
"""

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from beseda.core.errors import StorageError
from beseda.core.message import Message
from beseda.ephemeral.base import Cache, HistoryStore, Quota, Rate, RateLimiter, TokenBucket
from beseda.ephemeral.redis.outage import Outage
from beseda.ephemeral.redis.state import RedisState
from beseda.ephemeral.sql_state import SqlState

T = TypeVar("T")
_HELD = 3600.0  # seconds that a value, or that there is none, stays in Redis: the database has it after that
_NONE: dict[str, object] = {"": None}  # in place of a value that is known not to be there
_CHANGING: dict[str, object] = {"": "changing"}  # in place of a value that is being written
_CHANGING_SECONDS = 60.0  # longer than a write waits for a database that is away


class FallbackCache:
    """Implements `Cache`: uses the first cache if it answers, else the spare cache of this process."""

    def __init__(self, cache: Cache, spare: Cache, outage: Outage) -> None:
        self._cache = cache
        self._spare = spare
        self._outage = outage

    async def get(self, key: str) -> bytes | None:
        """Return the value or None; a counter reads as its decimal digits."""
        return await self._either(lambda cache: cache.get(key))

    async def set(self, key: str, value: bytes, *, ttl: float) -> None:
        """Store a value for `ttl` seconds."""
        await self._either(lambda cache: cache.set(key, value, ttl=ttl))

    async def add(self, key: str, value: bytes, *, ttl: float) -> bool:
        """Store a value if the key has none. Return whether it was stored."""
        return await self._either(lambda cache: cache.add(key, value, ttl=ttl))

    async def increment(self, key: str, *, by: int = 1, ttl: float) -> int:
        """Add to a counter and return its new value; `ttl` starts at the first addition."""
        return await self._either(lambda cache: cache.increment(key, by=by, ttl=ttl))

    async def delete(self, key: str) -> None:
        """Delete a value; a missing one is no error."""
        await self._spare.delete(key)
        await self._either(lambda cache: cache.delete(key))

    async def _either(self, call: Callable[[Cache], Awaitable[T]]) -> T:
        try:
            return await self._outage.attempt(lambda: call(self._cache))
        except StorageError:
            return await call(self._spare)


class FallbackLimiter:
    """Implements `RateLimiter`: counts together with other processes if Redis answers, else for this process alone."""

    def __init__(self, limiter: RateLimiter, spare: RateLimiter, outage: Outage) -> None:
        self._limiter = limiter
        self._spare = spare
        self._outage = outage

    async def spend(self, key: str, rate: Rate) -> Quota:
        """Count an event unless the rate is used up, and return the remaining quota."""
        try:
            return await self._outage.attempt(lambda: self._limiter.spend(key, rate))
        except StorageError:
            return await self._spare.spend(key, rate)

    async def hit(self, key: str, rates: Sequence[Rate]) -> float:
        """Count an event unless a rate is used up; return 0, or the seconds until the event would be allowed."""
        try:
            return await self._outage.attempt(lambda: self._limiter.hit(key, rates))
        except StorageError:
            return await self._spare.hit(key, rates)

    async def reserve(self, key: str, rates: Sequence[Rate], *, age: float = 0.0) -> float:
        """Count an event of `age` seconds ago at the time when the rates allow it. Return the seconds until then."""
        try:
            return await self._outage.attempt(lambda: self._limiter.reserve(key, rates, age=age))
        except StorageError:
            return await self._spare.reserve(key, rates, age=age)


class FallbackTokens:
    """Implements `TokenBucket`: shared with other processes if Redis answers, else for this process alone."""

    def __init__(self, tokens: TokenBucket, spare: TokenBucket, outage: Outage) -> None:
        self._tokens = tokens
        self._spare = spare
        self._outage = outage

    @property
    def block(self) -> int:
        """The best number of tokens for one call."""
        return self._tokens.block

    async def take(self, key: str, wanted: int, *, rate: float, burst: float) -> tuple[int, float]:
        """Take up to `wanted` tokens. Return their number and, if it is 0, the seconds until a token is available."""
        try:
            return await self._outage.attempt(lambda: self._tokens.take(key, wanted, rate=rate, burst=burst))
        except StorageError:
            return await self._spare.take(key, wanted, rate=rate, burst=burst)


class FallbackHistory:
    """Implements `HistoryStore`: fails immediately during an outage, so that the database is read instead."""

    def __init__(self, history: HistoryStore, outage: Outage) -> None:
        self._history = history
        self._outage = outage

    @property
    def limit(self) -> int:
        """The maximum number of messages in a list."""
        return self._history.limit

    async def append(
        self, key: str, messages: Sequence[Message], *, turn_id: int = 0, after: int | None = None
    ) -> bool:
        """Append the messages of a turn atomically, trim the list to its limit and renew its time to live."""
        return await self._outage.attempt(lambda: self._history.append(key, messages, turn_id=turn_id, after=after))

    async def fill(self, key: str, messages: Sequence[Message], turn_id: int) -> None:
        """Replace the list by messages from the database. The last of them belongs to turn `turn_id`."""
        await self._outage.attempt(lambda: self._history.fill(key, messages, turn_id))

    async def last_turn(self, key: str) -> int:
        """Return the id of the last turn in the list, or 0 if it is unknown."""
        return await self._outage.attempt(lambda: self._history.last_turn(key))

    async def window(self, key: str, size: int) -> list[Message] | None:
        """Return the last `size` messages, oldest first, or None if the list is unknown."""
        return await self._outage.attempt(lambda: self._history.window(key, size))

    async def clear(self, key: str) -> None:
        """Delete the list."""
        await self._outage.attempt(lambda: self._history.clear(key))


class RecordedState:
    """Implements `StateStore`: SQL is the source of truth, Redis holds a copy for every process.

    A copy is never older than the database, even if a process or Redis dies:

    - Before a write the copy is replaced by a marker for a changing value. The marker expires by itself, so a process
      that dies between the write and the new copy leaves no old copy.
    - A copy made by a reader never replaces an existing one.
    - After an outage, and when a process starts, all copies are dropped: they lack the writes made meanwhile, and a
      restarted server may hold older copies.
    """

    def __init__(self, quick: RedisState, record: SqlState, outage: Outage) -> None:
        """`record` has no cache in memory, because other processes write the same keys."""
        self._quick = quick
        self._record = record
        self._outage = outage
        outage.on_recovery(quick.clear)

    async def get(self, key: str) -> dict[str, object] | None:
        """Return the value or None. Raises StorageError if neither Redis nor the database answers."""
        try:
            found = await self._outage.attempt(lambda: self._quick.get(key))
        except StorageError:
            return await self._record.get(key)
        if found is not None and found != _CHANGING:
            return None if found == _NONE else found
        value, left = await self._record.look_up(key)
        ttl = min(_HELD, left or _HELD)
        await self._attempt(lambda: self._quick.add(key, _NONE if value is None else value, ttl=ttl))
        return value

    async def set(self, key: str, value: dict[str, object], *, ttl: float | None = None) -> None:
        """Store a value. It expires after `ttl` seconds if given. Raises StorageError if the database is down."""
        await self._announce(key)
        await self._record.set(key, value, ttl=ttl)
        await self._attempt(lambda: self._quick.set(key, value, ttl=min(_HELD, ttl or _HELD)))

    async def delete(self, key: str) -> None:
        """Delete a value; a missing one is no error. Raises StorageError if the database is unavailable."""
        await self._announce(key)
        await self._record.delete(key)
        await self._attempt(lambda: self._quick.set(key, _NONE, ttl=_HELD))

    async def _announce(self, key: str) -> None:
        await self._attempt(lambda: self._quick.set(key, _CHANGING, ttl=_CHANGING_SECONDS))

    async def _attempt(self, change: Callable[[], Awaitable[None]]) -> None:
        """Change the copy in Redis. A failure starts an outage; when the outage ends, all copies are dropped."""
        with contextlib.suppress(StorageError):
            await self._outage.attempt(change)
