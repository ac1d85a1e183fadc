import asyncio

import pytest

from beseda.core.errors import StorageError
from tests.contract.storage.hot import TTL, Hot


async def test_set_and_get(hot: Hot) -> None:
    await hot.cache.set("a", b"\0\xff", ttl=10)
    assert await hot.cache.get("a") == b"\0\xff"


async def test_delete(hot: Hot) -> None:
    await hot.cache.set("a", b"1", ttl=10)
    await hot.cache.delete("a")
    await hot.cache.delete("a")
    assert await hot.cache.get("a") is None


async def test_value_expires(hot: Hot) -> None:
    await hot.cache.set("a", b"1", ttl=TTL)

    async def gone() -> bool:
        return await hot.cache.get("a") is None

    assert await hot.until(gone) >= TTL * 0.9


async def test_add_stores_once(hot: Hot) -> None:
    stored = await asyncio.gather(*(hot.cache.add("a", b"%d" % number, ttl=10) for number in range(20)))
    assert stored.count(True) == 1
    assert await hot.cache.get("a") == b"%d" % stored.index(True)


async def test_add_again_after_expiry(hot: Hot) -> None:
    await hot.cache.add("a", b"1", ttl=TTL)

    async def added() -> bool:
        return await hot.cache.add("a", b"2", ttl=10)

    assert await hot.until(added) >= TTL * 0.9
    assert await hot.cache.get("a") == b"2"


async def test_increment_is_atomic(hot: Hot) -> None:
    values = await asyncio.gather(*(hot.cache.increment("a", ttl=10) for _ in range(50)))
    assert sorted(values) == list(range(1, 51))
    assert await hot.cache.get("a") == b"50"


async def test_increment_by_more_and_less(hot: Hot) -> None:
    assert await hot.cache.increment("a", by=5, ttl=10) == 5
    assert await hot.cache.increment("a", by=-7, ttl=10) == -2


async def test_increment_does_not_renew_the_time_to_live(hot: Hot) -> None:
    async def starts_anew() -> bool:
        return await hot.cache.increment("a", ttl=TTL) == 1

    assert await starts_anew()
    assert TTL * 0.9 <= await hot.until(starts_anew) <= TTL + 2


async def test_increment_of_something_else(hot: Hot) -> None:
    await hot.cache.set("a", b"text", ttl=10)
    with pytest.raises(StorageError):
        await hot.cache.increment("a", ttl=10)
