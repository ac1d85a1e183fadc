"""What goes on while Redis is away, on a real server that is stopped and started."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from beseda.core.errors import StorageError
from beseda.db.database import Database
from beseda.ephemeral.base import Rate
from beseda.ephemeral.memory.cache import MemoryCache
from beseda.ephemeral.memory.rate_limit import MemoryRateLimiter, MemoryTokenBucket
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
from beseda.ephemeral.sql_state import SqlState
from beseda.ephemeral.stores import open_ephemeral
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


def _outage(redis: Redis) -> Outage:
    """Return what knows whether the server answers."""
    cache = RedisCache(redis)

    async def ping() -> None:
        await cache.get("ready")

    return Outage(ping)


def _state(redis: Redis, database: Database) -> RecordedState:
    return RecordedState(RedisState(redis), SqlState(database, size=0), _outage(redis))


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


async def test_state_that_redis_missed_is_read_from_the_database(server: RedisServer, database: Database) -> None:
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
        outage = _outage(redis)
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


async def test_a_redis_that_hangs_holds_up_the_first_call_for_half_a_second_and_no_other(server: RedisServer) -> None:
    async with _client(server) as redis:
        outage = _outage(redis)
        cache = FallbackCache(RedisCache(redis), MemoryCache(), outage)
        history = FallbackHistory(RedisHistory(redis), outage)
        tokens = FallbackTokens(RedisTokenBucket(redis), MemoryTokenBucket(), outage)
        await cache.get("a")
        server.pause()
        waits = []
        ends = time.monotonic() + 4.0
        while time.monotonic() < ends:
            for call in (
                lambda: cache.increment("n", ttl=60),
                lambda: tokens.take("bot", 1, rate=1000, burst=1000),
                lambda: history.last_turn("chat_history:1"),
            ):
                begun = time.monotonic()
                with contextlib.suppress(StorageError):
                    await call()
                waits.append(time.monotonic() - begun)
            await asyncio.sleep(0)
        late = [wait for wait in waits if wait > 0.4]
        assert len(late) == 1
        assert late[0] < 1.0
        server.resume()

        async def is_back() -> bool:
            await cache.set("c", b"1", ttl=60)
            return await redis.exists("beseda:cache:c") == 1

        await eventually(is_back)
        await outage.close()


async def test_calls_under_way_end_with_the_first_that_redis_does_not_answer(server: RedisServer) -> None:
    async with _client(server) as redis:
        outage = _outage(redis)
        cache = FallbackCache(RedisCache(redis), MemoryCache(), outage)
        server.pause()
        first = asyncio.create_task(cache.get("a"))
        _, pending = await asyncio.wait([first], timeout=0.4)
        assert pending
        begun = time.monotonic()
        await cache.get("b")
        assert time.monotonic() - begun < 0.3
        await first
        server.resume()
        await outage.close()


async def test_end_of_an_outage_is_logged(server: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with _client(server) as redis:
        outage = _outage(redis)
        cache = FallbackCache(RedisCache(redis), MemoryCache(), outage)
        server.stop()
        for _ in range(10):
            await cache.get("a")
        server.start()

        async def is_logged() -> bool:
            return "Redis is back after" in caplog.text

        await eventually(is_logged)
    assert caplog.text.count("goes on by itself") == 1


async def test_state_written_in_an_outage_outlives_the_process_that_wrote_it(
    server: RedisServer, database: Database
) -> None:
    async with _client(server) as redis:
        first = _state(redis, database)
        await first.set("a", {"mode": "old"})
        server.pause()
        await first.set("a", {"mode": "new"})
        server.resume()
        # The process is gone, and with it what it knew; the next one starts.
        async with AsyncExitStack() as stack:
            ephemeral = await open_ephemeral(server.url, database, stack)
            assert await ephemeral.state.get("a") == {"mode": "new"}


async def test_state_of_a_process_that_died_in_mid_write_is_not_the_old_one(
    server: RedisServer, database: Database
) -> None:
    async with _client(server) as redis:
        state, record = _state(redis, database), SqlState(database, size=0)
        await state.set("a", {"mode": "old"})

        class Dying(SqlState):
            async def set(self, key: str, value: dict[str, object], *, ttl: float | None = None) -> None:
                await super().set(key, value, ttl=ttl)
                raise asyncio.CancelledError

        dying = RecordedState(RedisState(redis), Dying(database, size=0), _outage(redis))
        with pytest.raises(asyncio.CancelledError):
            await dying.set("a", {"mode": "new"})
        assert await record.get("a") == {"mode": "new"}
        assert [await _state(redis, database).get("a") for _ in range(2)] == [{"mode": "new"}] * 2
        assert await state.get("a") == {"mode": "new"}


async def test_state_of_a_server_that_came_back_older_is_not_believed(server: RedisServer, database: Database) -> None:
    async with _client(server) as redis:
        outage = _outage(redis)
        state = RecordedState(RedisState(redis), SqlState(database, size=0), outage)
        await state.set("a", {"mode": "old"})
        await state.set("a", {"mode": "new"})
        server.stop()
        assert await state.get("a") == {"mode": "new"}
        server.start()
        await RedisState(redis).set("a", {"mode": "old"})  # as from a snapshot

        async def is_back() -> bool:
            assert await state.get("a") == {"mode": "new"}
            return await RedisState(redis).get("a") == {"mode": "new"}

        await eventually(is_back)
        await outage.close()
