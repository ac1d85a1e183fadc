import asyncio

import orjson
import pytest
from redis.asyncio import Redis

from beseda.core.chat import ChatKey
from beseda.core.message import Message, Role
from beseda.ephemeral.redis.history import RedisHistory
from tests.contract.storage.hot import TTL, Hot

KEY = ChatKey("assistant", 42).history_key()


def say(*texts: str) -> list[Message]:
    return [Message(Role.USER, text) for text in texts]


async def test_window_of_an_unknown_conversation_is_empty(hot: Hot) -> None:
    assert await hot.history.window(KEY, 10) is None


async def test_window_is_the_end_in_order(hot: Hot) -> None:
    await hot.history.append(KEY, say("1", "2"))
    await hot.history.append(KEY, [Message(Role.ASSISTANT, "3")])
    assert await hot.history.window(KEY, 2) == [Message(Role.USER, "2"), Message(Role.ASSISTANT, "3")]
    assert await hot.history.window(KEY, 10) == [*say("1", "2"), Message(Role.ASSISTANT, "3")]
    assert await hot.history.window(KEY, 0) == []


async def test_append_trims_to_the_limit(hot: Hot) -> None:
    await hot.history.append(KEY, say("1", "2", "3", "4"))
    await hot.history.append(KEY, say("5", "6", "7"))
    assert await hot.history.window(KEY, 100) == say("3", "4", "5", "6", "7")


async def test_append_nothing_makes_nothing(hot: Hot) -> None:
    await hot.history.append(KEY, [])
    assert await hot.history.window(KEY, 10) is None


async def test_list_expires(hot: Hot) -> None:
    await hot.history.append(KEY, say("1"))

    async def gone() -> bool:
        return await hot.history.window(KEY, 1) is None

    assert await hot.until(gone) >= TTL * 0.9


async def test_append_renews_the_time_to_live(hot: Hot) -> None:
    await hot.history.append(KEY, say("1"))
    await hot.wait(TTL * 0.6)
    await hot.history.append(KEY, say("2"))
    await hot.wait(TTL * 0.6)
    assert await hot.history.window(KEY, 10) == say("1", "2")


async def test_clear_forgets(hot: Hot) -> None:
    await hot.history.append(KEY, say("1"))
    await hot.history.clear(KEY)
    await hot.history.clear(KEY)
    assert await hot.history.window(KEY, 10) is None


async def test_concurrent_appends_keep_pairs_together(hot: Hot) -> None:
    await asyncio.gather(*(hot.history.append(KEY, say(f"{n}", f"{n}")) for n in range(20)))
    texts = [message.content for message in await hot.history.window(KEY, 4) or []]
    assert texts[0] == texts[1]
    assert texts[2] == texts[3]


async def test_append_after_a_turn_needs_the_list_that_ends_with_it(hot: Hot) -> None:
    assert await hot.history.append(KEY, say("1"), turn_id=7, after=0)
    assert await hot.history.append(KEY, say("2"), turn_id=8, after=7)
    assert not await hot.history.append(KEY, say("4"), turn_id=10, after=9)
    assert (await hot.history.window(KEY, 10), await hot.history.last_turn(KEY)) == (say("1", "2"), 8)
    await hot.history.clear(KEY)
    assert not await hot.history.append(KEY, say("3"), turn_id=9, after=8)
    assert (await hot.history.window(KEY, 10), await hot.history.last_turn(KEY)) == (None, 0)


async def test_fill_replaces_the_list(hot: Hot) -> None:
    await hot.history.append(KEY, say("1"), turn_id=7)
    await hot.history.fill(KEY, say("2", "3", "4", "5", "6", "7"), 9)
    assert (await hot.history.window(KEY, 10), await hot.history.last_turn(KEY)) == (say("3", "4", "5", "6", "7"), 9)


async def test_a_list_that_was_evicted_alone_gets_nothing(redis: Redis) -> None:
    history = RedisHistory(redis)
    await history.fill(KEY, say("1", "2"), 7)
    await redis.delete(KEY)
    assert not await history.append(KEY, say("3"), turn_id=8, after=7)
    assert await history.window(KEY, 10) is None


async def test_list_in_redis_is_as_documented(redis: Redis) -> None:
    await RedisHistory(redis).append(KEY, [Message(Role.USER, "Привет"), Message(Role.ASSISTANT, "И тебе 👋")])
    items = await redis.lrange("chat_history:42", 0, -1)
    assert [orjson.loads(item) for item in items] == [
        {"role": "user", "content": "Привет"},
        {"role": "assistant", "content": "И тебе 👋"},
    ]
    assert "Привет".encode() in items[0]
    assert 86_000 < await redis.ttl("chat_history:42") <= 86_400


async def test_list_in_redis_is_cut_above_twenty(redis: Redis) -> None:
    await RedisHistory(redis).append(KEY, say(*map(str, range(25))))
    assert await redis.llen(KEY) == 20


@pytest.mark.parametrize("item", [b"not json", b"[]", b'{"role":"robot","content":""}', b'{"role":"user","content":1}'])
async def test_foreign_list_counts_as_unknown(redis: Redis, item: bytes) -> None:
    await redis.rpush(KEY, item)
    assert await RedisHistory(redis).window(KEY, 10) is None


async def test_half_a_surrogate_pair_is_taken(hot: Hot) -> None:
    await hot.history.append(KEY, say("a\ud83d"))
    [message] = await hot.history.window(KEY, 1) or []
    assert message.content.startswith("a")
