import asyncio
from pathlib import Path

from beseda.ephemeral.redis.bus import RedisBus
from beseda.ephemeral.redis.connection import open_redis
from tests.contract.storage.hot import Hot
from tests.parts.redis import RedisServer
from tests.parts.waiting import eventually


async def test_hint_reaches_every_listener_of_its_topic(hot: Hot) -> None:
    async with hot.bus.subscribe("a") as first, hot.bus.subscribe("a") as second, hot.bus.subscribe("b") as other:
        await hot.bus.publish("a", {"id": 2**62})
        await hot.bus.publish("b", {"id": 1})
        async with asyncio.timeout(30):
            assert [await anext(first), await anext(second), await anext(other)] == [{"id": 2**62}] * 2 + [{"id": 1}]


async def test_hints_keep_their_order(hot: Hot) -> None:
    async with hot.bus.subscribe("a") as hints:
        for number in range(50):
            await hot.bus.publish("a", {"number": number})
        async with asyncio.timeout(30):
            assert [(await anext(hints))["number"] for _ in range(50)] == list(range(50))


async def test_hint_without_a_listener_is_gone(hot: Hot) -> None:
    await hot.bus.publish("a", {"number": 1})
    async with hot.bus.subscribe("a"):
        pass
    await hot.bus.publish("a", {"number": 2})
    async with hot.bus.subscribe("a") as hints:
        await hot.bus.publish("a", {"number": 3})
        async with asyncio.timeout(30):
            assert await anext(hints) == {"number": 3}


async def test_listener_that_does_not_keep_up_loses_the_oldest(hot: Hot) -> None:
    async with hot.bus.subscribe("a") as hints, hot.bus.subscribe("b") as end:
        for number in range(1010):
            await hot.bus.publish("a", {"number": number})
        await hot.bus.publish("b", {})
        async with asyncio.timeout(30):
            await anext(end)
            assert await anext(hints) == {"number": 10}


async def test_redis_bus_survives_a_restart_of_the_server(tmp_path: Path) -> None:
    server = RedisServer(tmp_path)
    try:
        redis = await open_redis(server.url)
        bus = RedisBus(redis)
        async with bus.subscribe("a") as hints, asyncio.timeout(20):
            server.stop()
            await bus.publish("a", {"lost": 1})
            server.start()
            taken = asyncio.ensure_future(anext(hints))

            async def arrives() -> bool:
                await bus.publish("a", {"back": 1})
                return taken.done()

            await eventually(arrives)
            assert await taken == {"back": 1}
        await bus.close()
        await redis.aclose()
    finally:
        server.stop()


async def test_redis_bus_listens_once_redis_is_there(tmp_path: Path) -> None:
    server = RedisServer(tmp_path)
    try:
        redis = await open_redis(server.url)
        server.stop()
        bus = RedisBus(redis)
        async with bus.subscribe("a") as hints, asyncio.timeout(20):
            server.start()
            taken = asyncio.ensure_future(anext(hints))

            async def arrives() -> bool:
                await bus.publish("a", {"back": 1})
                return taken.done()

            await eventually(arrives)
        await bus.close()
        await redis.aclose()
    finally:
        server.stop()
