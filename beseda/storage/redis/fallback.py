"""What goes on while Redis is away: each process by itself, and together again once it is back.

A cache forgets, limits count by process, state is read from the record. Nothing of that is worth refusing a person.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from beseda.errors import StorageError
from beseda.storage.base.cache import Cache
from beseda.storage.base.rate_limit import Rate, RateLimiter, TokenBucket
from beseda.storage.base.state import StateStore
from beseda.storage.sql.state import SqlState

log = logging.getLogger(__name__)

T = TypeVar("T")
_PAUSE = 1.0  # seconds without Redis after it failed: a server that hangs would hold up every message for its time-out
_HELD = 86_400.0  # seconds that a value, or that there is none, stays in Redis: the record has it after that
_NONE: dict[str, object] = {"": None}  # in place of a value that is known not to be there


class Outage:
    """Knows whether Redis has just failed; its users share one."""

    def __init__(self) -> None:
        self._until = float("-inf")

    async def attempt(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call and return its result. Raises StorageError where it fails, or another one failed just now."""
        now = asyncio.get_running_loop().time()
        if now < self._until:
            raise StorageError("Redis was away a moment ago")
        try:
            return await call()
        except StorageError as error:
            log.warning("each process goes on by itself for a second: %s", error.detail)
            self._until = asyncio.get_running_loop().time() + _PAUSE
            raise


class FallbackCache:
    """Implements `Cache`: the first one where it answers, else the spare one of this process."""

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
        """Store a value only where there is none and return whether it was stored."""
        return await self._either(lambda cache: cache.add(key, value, ttl=ttl))

    async def increment(self, key: str, *, by: int = 1, ttl: float) -> int:
        """Add to a counter and return its new value; `ttl` starts at the first addition."""
        return await self._either(lambda cache: cache.increment(key, by=by, ttl=ttl))

    async def delete(self, key: str) -> None:
        """Forget a value; a missing one is no error."""
        await self._spare.delete(key)
        await self._either(lambda cache: cache.delete(key))

    async def _either(self, call: Callable[[Cache], Awaitable[T]]) -> T:
        try:
            return await self._outage.attempt(lambda: call(self._cache))
        except StorageError:
            return await call(self._spare)


class FallbackLimiter:
    """Implements `RateLimiter`: counts together with others where that is possible, else by itself."""

    def __init__(self, limiter: RateLimiter, spare: RateLimiter, outage: Outage) -> None:
        self._limiter = limiter
        self._spare = spare
        self._outage = outage

    async def hit(self, key: str, rates: Sequence[Rate]) -> float:
        """Count an event unless a rate is used up; return 0, or the seconds until the event would be allowed."""
        try:
            return await self._outage.attempt(lambda: self._limiter.hit(key, rates))
        except StorageError:
            return await self._spare.hit(key, rates)


class FallbackTokens:
    """Implements `TokenBucket`: shared with others where that is possible, else of this process."""

    def __init__(self, tokens: TokenBucket, spare: TokenBucket, outage: Outage) -> None:
        self._tokens = tokens
        self._spare = spare
        self._outage = outage

    @property
    def block(self) -> int:
        """How many tokens are best taken at once."""
        return self._tokens.block

    async def take(self, key: str, wanted: int, *, rate: float, burst: float) -> tuple[int, float]:
        """Take up to `wanted` tokens; return how many, and the seconds until there is one where it is none."""
        try:
            return await self._outage.attempt(lambda: self._tokens.take(key, wanted, rate=rate, burst=burst))
        except StorageError:
            return await self._spare.take(key, wanted, rate=rate, burst=burst)


class RecordedState:
    """Implements `StateStore`: SQL has the truth, Redis has it at hand for every process."""

    def __init__(self, quick: StateStore, record: SqlState, outage: Outage) -> None:
        """`record` keeps nothing in memory: others write the same keys."""
        self._quick = quick
        self._record = record
        self._outage = outage
        self._stale: set[str] = set()  # keys whose value in Redis is older than the record's

    async def get(self, key: str) -> dict[str, object] | None:
        """Return the value or None. Raises StorageError where neither Redis nor the database answers."""
        try:
            found = await self._outage.attempt(lambda: self._find(key))
        except StorageError:
            return await self._record.get(key)
        if found is not None:
            return None if found == _NONE else found
        value, left = await self._record.look_up(key)
        await self._show(key, _NONE if value is None else value, left)
        return value

    async def set(self, key: str, value: dict[str, object], *, ttl: float | None = None) -> None:
        """Store a value; it goes after `ttl` seconds where given. Raises StorageError where the database is away."""
        await self._record.set(key, value, ttl=ttl)
        await self._show(key, value, ttl)

    async def delete(self, key: str) -> None:
        """Forget a value; a missing one is no error. Raises StorageError where the database is away."""
        await self._record.delete(key)
        await self._show(key, _NONE, None)

    async def _find(self, key: str) -> dict[str, object] | None:
        if key in self._stale:
            await self._quick.delete(key)
            self._stale.discard(key)
        return await self._quick.get(key)

    async def _show(self, key: str, value: dict[str, object], ttl: float | None) -> None:
        try:
            await self._outage.attempt(lambda: self._quick.set(key, value, ttl=min(_HELD, ttl or _HELD)))
            self._stale.discard(key)
        except StorageError:
            self._stale.add(key)
