"""The hot stores of one kind, and how time passes for them."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from redis.asyncio import Redis

from beseda.ephemeral.base import Bus, Cache, HistoryStore, RateLimiter, StateStore, TokenBucket
from beseda.ephemeral.memory.bus import MemoryBus
from beseda.ephemeral.memory.cache import MemoryCache
from beseda.ephemeral.memory.history import MemoryHistory
from beseda.ephemeral.memory.rate_limit import MemoryRateLimiter, MemoryTokenBucket
from beseda.ephemeral.memory.state import MemoryState
from beseda.ephemeral.redis.bus import RedisBus
from beseda.ephemeral.redis.cache import RedisCache
from beseda.ephemeral.redis.history import RedisHistory
from beseda.ephemeral.redis.rate_limit import RedisRateLimiter, RedisTokenBucket
from beseda.ephemeral.redis.state import RedisState
from beseda.testing.clock import ManualClock

TTL = 0.6


@dataclass
class Hot:
    """History (kept for `TTL` seconds, five messages long), state, cache and rate limiter."""

    history: HistoryStore
    state: StateStore
    cache: Cache
    limiter: RateLimiter
    bus: Bus
    tokens: TokenBucket
    clock: ManualClock | None = None

    async def until(self, condition: Callable[[], Awaitable[bool]], timeout: float = 5.0) -> float:
        """Let time pass until `condition` holds and return how many seconds that took."""
        started = self._time()
        while not await condition():
            assert self._time() - started < timeout
            if self.clock is not None:
                self.clock.shift(0.01)
            else:
                await asyncio.sleep(0.01)  # Redis has no clock to turn: its own time has to pass
        return self._time() - started

    async def wait(self, seconds: float) -> None:
        """Let so much time pass."""
        started = self._time()

        async def over() -> bool:
            return self._time() - started >= seconds

        await self.until(over)

    def _time(self) -> float:
        return self.clock.monotonic() if self.clock is not None else time.monotonic()


def build_memory() -> Hot:
    """Return the in-process stores on a clock of their own."""
    clock = ManualClock()
    return Hot(
        MemoryHistory(clock, limit=5, ttl=TTL),
        MemoryState(clock),
        MemoryCache(clock),
        MemoryRateLimiter(clock),
        MemoryBus(),
        MemoryTokenBucket(clock),
        clock,
    )


def build_redis(redis: Redis) -> Hot:
    """Return the stores of a Redis server."""
    return Hot(
        RedisHistory(redis, limit=5, ttl=TTL),
        RedisState(redis),
        RedisCache(redis),
        RedisRateLimiter(redis),
        RedisBus(redis),
        RedisTokenBucket(redis),
    )
