"""What is short-lived, or quicker to have at hand: in Redis, or in this process."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from beseda.config import Settings
from beseda.kit.clock import SystemClock
from beseda.storage.base.bus import Bus
from beseda.storage.base.cache import Cache
from beseda.storage.base.history import HistoryStore
from beseda.storage.base.rate_limit import RateLimiter
from beseda.storage.base.state import StateStore
from beseda.storage.memory.bus import MemoryBus
from beseda.storage.memory.cache import MemoryCache
from beseda.storage.memory.history import MemoryHistory
from beseda.storage.memory.rate_limit import MemoryRateLimiter
from beseda.storage.sql.state import SqlState


@dataclass(frozen=True, slots=True)
class HotStores:
    """What is short-lived, or quicker to have at hand."""

    history: HistoryStore
    state: StateStore
    cache: Cache
    limiter: RateLimiter
    bus: Bus


async def open_hot(settings: Settings, state: SqlState, stack: AsyncExitStack) -> HotStores:
    if settings.redis_url is None:
        clock = SystemClock()
        await state.purge()
        return HotStores(MemoryHistory(clock), state, MemoryCache(clock), MemoryRateLimiter(clock), MemoryBus())
    from beseda.storage.redis.bus import RedisBus
    from beseda.storage.redis.cache import RedisCache
    from beseda.storage.redis.connection import open_redis
    from beseda.storage.redis.history import RedisHistory
    from beseda.storage.redis.rate_limit import RedisRateLimiter
    from beseda.storage.redis.state import RedisState

    redis = await open_redis(settings.redis_url)
    stack.push_async_callback(redis.aclose)
    bus = RedisBus(redis)
    stack.push_async_callback(bus.close)
    return HotStores(RedisHistory(redis), RedisState(redis), RedisCache(redis), RedisRateLimiter(redis), bus)
