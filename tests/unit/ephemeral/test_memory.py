from beseda.core.message import Message, Role
from beseda.ephemeral.base import Rate
from beseda.ephemeral.memory.cache import MemoryCache
from beseda.ephemeral.memory.expiring import ExpiringMap
from beseda.ephemeral.memory.history import MemoryHistory
from beseda.ephemeral.memory.rate_limit import MemoryRateLimiter
from beseda.ephemeral.memory.state import MemoryState
from beseda.testing.clock import ManualClock


def test_map_forgets_the_least_used() -> None:
    entries: ExpiringMap[int] = ExpiringMap(ManualClock(), 2)
    entries.set("a", 1, None)
    entries.set("b", 2, None)
    assert entries.get("a") == 1
    entries.set("c", 3, None)
    assert [entries.get(key) for key in "abc"] == [1, None, 3]


def test_map_drops_expired_entries() -> None:
    clock = ManualClock()
    entries: ExpiringMap[int] = ExpiringMap(clock, 2)
    entries.set("a", 1, 10)
    clock.shift(9.9)
    entries.replace("a", 2)
    assert entries.get("a") == 2
    clock.shift(0.1)
    assert entries.get("a") is None
    assert len(entries) == 0


async def test_every_store_is_bounded() -> None:
    clock = ManualClock()
    history, state = MemoryHistory(clock, size=3), MemoryState(clock, size=3)
    cache, limiter = MemoryCache(clock, size=3), MemoryRateLimiter(clock, size=3)
    for key in "abcd":
        await history.append(key, [Message(Role.USER, key)])
        await state.set(key, {})
        await cache.set(key, b"", ttl=10)
        await limiter.hit(key, [Rate(1, 10)])
    assert (await history.window("a", 1), await state.get("a"), await cache.get("a")) == (None, None, None)
    assert await limiter.hit("d", [Rate(1, 10)]) == 10
    assert await limiter.hit("a", [Rate(1, 10)]) == 0


async def test_history_lasts_a_day_and_twenty_messages_by_default() -> None:
    clock = ManualClock()
    history = MemoryHistory(clock)
    await history.append("a", [Message(Role.USER, str(number)) for number in range(25)])
    clock.shift(86_399)
    assert len(await history.window("a", 100) or []) == 20
    clock.shift(1)
    assert await history.window("a", 100) is None
