"""What goes on while Redis is away, on a real server that is stopped and started."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from beseda.storage.base.rate_limit import Rate
from beseda.storage.memory.cache import MemoryCache
from beseda.storage.memory.rate_limit import MemoryRateLimiter
from beseda.storage.redis.cache import RedisCache
from beseda.storage.redis.connection import open_redis
from beseda.storage.redis.fallback import FallbackCache, FallbackLimiter, Outage, RecordedState
from beseda.storage.redis.rate_limit import RedisRateLimiter
from beseda.storage.redis.state import RedisState
from beseda.storage.sql.database import Database
from beseda.storage.sql.state import SqlState
from tests.parts.redis import RedisServer
from tests.parts.waiting import eventually


@asynccontextmanager
async def _client(server: RedisServer) -> AsyncIterator[Redis]:
    client = await open_redis(server.url)
    try:
        yield client
    finally:
        await client.aclose()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path)
    yield server
    server.stop()


def _state(redis: Redis, database: Database) -> RecordedState:
    return RecordedState(RedisState(redis), SqlState(database, size=0), Outage())


async def test_state_outlives_redis(server: RedisServer, database: Database) -> None:
    async with _client(server) as redis:
        state = _state(redis, database)
        await state.set("a", {"mode": "x"})
        server.stop()
        assert await state.get("a") == {"mode": "x"}
        await state.set("b", {"mode": "y"})
        await state.delete("a")
        server.start()
        other = _state(redis, database)
        assert (await other.get("a"), await other.get("b")) == (None, {"mode": "y"})


async def test_state_is_the_same_for_every_process(server: RedisServer, database: Database) -> None:
    async with _client(server) as redis:
        one, other = _state(redis, database), _state(redis, database)
        assert await other.get("a") is None
        await one.set("a", {"mode": "x"})
        assert await other.get("a") == {"mode": "x"}
        await other.delete("a")
        assert await one.get("a") is None


async def test_state_that_redis_missed_is_read_from_the_record(server: RedisServer, database: Database) -> None:
    async with _client(server) as redis:
        state = _state(redis, database)
        await state.set("a", {"mode": "old"})
        await redis.config_set("maxmemory", "1")  # it answers, and takes nothing any more
        await state.set("a", {"mode": "new"})
        assert await state.get("a") == {"mode": "new"}
        await redis.config_set("maxmemory", "0")

        async def is_shown() -> bool:
            assert await state.get("a") == {"mode": "new"}
            return await RedisState(redis).get("a") == {"mode": "new"}

        await eventually(is_shown)


async def test_state_goes_when_its_time_is_over(server: RedisServer, database: Database) -> None:
    async with _client(server) as redis:
        await _state(redis, database).set("a", {"mode": "x"}, ttl=0.3)
        await redis.flushall()
        other = _state(redis, database)
        assert await other.get("a") == {"mode": "x"}

        async def is_gone() -> bool:
            return await other.get("a") is None

        await eventually(is_gone)


async def test_cache_and_limits_go_on_without_redis(server: RedisServer) -> None:
    async with _client(server) as redis:
        outage = Outage()
        cache = FallbackCache(RedisCache(redis), MemoryCache(), outage)
        limiter = FallbackLimiter(RedisRateLimiter(redis), MemoryRateLimiter(), outage)
        await cache.set("a", b"1", ttl=60)
        server.stop()
        assert await cache.get("a") is None
        assert [await cache.add("b", b"1", ttl=60) for _ in range(2)] == [True, False]
        assert [await cache.increment("n", ttl=60) for _ in range(2)] == [1, 2]
        waits = [await limiter.hit("u", [Rate(2, 60)]) for _ in range(3)]
        assert [wait > 0 for wait in waits] == [False, False, True]
        await cache.delete("b")
        server.start()

        async def is_back() -> bool:
            await cache.set("c", b"1", ttl=60)
            return await redis.exists("beseda:cache:c") == 1

        await eventually(is_back)
