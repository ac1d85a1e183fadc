from pathlib import Path

import pytest

from beseda.core.errors import SettingsError, StorageError
from beseda.core.message import Message, Role
from beseda.ephemeral.redis.cache import RedisCache
from beseda.ephemeral.redis.connection import build_client, open_redis
from beseda.ephemeral.redis.history import RedisHistory
from beseda.ephemeral.redis.rate_limit import RedisRateLimiter
from tests.parts.postgres import find_free_port
from tests.parts.redis import RedisServer


@pytest.mark.parametrize("url", ["", "localhost", "http://:secret@h", "redis://:secret@h:port/0"])
def test_bad_url_names_the_setting_and_no_password(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        build_client(url)
    assert "REDIS_URL" in str(caught.value)
    assert "secret" not in str(caught.value)


async def test_call_without_an_answer() -> None:
    with pytest.raises(StorageError):
        await open_redis(f"redis://127.0.0.1:{find_free_port()}/0")


async def test_redis_restarted(tmp_path: Path) -> None:
    server = RedisServer(tmp_path)
    try:
        client = await open_redis(server.url)
        cache, history = RedisCache(client), RedisHistory(client)
        await cache.increment("a", ttl=10)
        server.stop()
        with pytest.raises(StorageError):
            await cache.increment("a", ttl=10)
        with pytest.raises(StorageError):
            await history.append("b", [Message(Role.USER, "q")])
        server.start()
        # The new server knows neither the script nor the counter.
        assert await cache.increment("a", ttl=10) == 1
        assert await RedisRateLimiter(client).hit("a", []) == 0
        await client.aclose()
    finally:
        server.stop()
