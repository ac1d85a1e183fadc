"""Short-lived and cached data: in Redis, or without Redis in this process and the database."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from beseda.core.clock import SystemClock
from beseda.db.database import Database
from beseda.ephemeral.base import Bus, Cache, HistoryStore, RateLimiter, StateStore, TokenBucket
from beseda.ephemeral.memory.bus import MemoryBus
from beseda.ephemeral.memory.cache import MemoryCache
from beseda.ephemeral.memory.history import MemoryHistory
from beseda.ephemeral.memory.rate_limit import MemoryRateLimiter, MemoryTokenBucket
from beseda.ephemeral.sql_state import SqlState


@dataclass(frozen=True, slots=True)
class EphemeralStores:
    """Stores of short-lived and cached data. `ping` raises StorageError if Redis is unavailable, None without Redis."""

    history: HistoryStore
    state: StateStore
    cache: Cache
    limiter: RateLimiter
    bus: Bus
    tokens: TokenBucket
    ping: Callable[[], Awaitable[None]] | None = None


async def open_ephemeral(redis_url: str | None, database: Database, stack: AsyncExitStack) -> EphemeralStores:
    """Open the stores in Redis if there is an address, else in this process. Raises StorageError."""
    clock = SystemClock()
    cache, limiter, tokens = MemoryCache(clock), MemoryRateLimiter(clock), MemoryTokenBucket(clock)
    await SqlState(database, clock).purge()
    if redis_url is None:
        return EphemeralStores(MemoryHistory(clock), SqlState(database, clock), cache, limiter, MemoryBus(), tokens)
    from beseda.ephemeral.redis.bus import RedisBus
    from beseda.ephemeral.redis.cache import RedisCache
    from beseda.ephemeral.redis.connection import open_redis
    from beseda.ephemeral.redis.fallback import (
        FallbackCache,
        FallbackHistory,
        FallbackLimiter,
        FallbackTokens,
        RecordedState,
    )
    from beseda.ephemeral.redis.history import RedisHistory
    from beseda.ephemeral.redis.outage import Outage
    from beseda.ephemeral.redis.rate_limit import RedisRateLimiter, RedisTokenBucket
    from beseda.ephemeral.redis.state import RedisState

    redis = await open_redis(redis_url)
    stack.push_async_callback(redis.aclose)
    shared = RedisCache(redis)

    async def ping() -> None:
        await shared.get("ready")

    outage = Outage(ping)
    stack.push_async_callback(outage.close)
    bus = RedisBus(redis, outage)
    stack.push_async_callback(bus.close)
    state = RedisState(redis)
    await state.clear()  # of an earlier run: what was written while Redis was away is not in it
    return EphemeralStores(
        FallbackHistory(RedisHistory(redis), outage),
        RecordedState(state, SqlState(database, clock, size=0), outage),
        FallbackCache(shared, cache, outage),
        FallbackLimiter(RedisRateLimiter(redis), limiter, outage),
        bus,
        FallbackTokens(RedisTokenBucket(redis), tokens, outage),
        ping,
    )
