"""The hot window of a conversation as a list in Redis."""

from collections.abc import Sequence

import orjson
from redis.asyncio import Redis

from beseda.domain.message import Message, Role
from beseda.storage.redis.connection import guard, to_milliseconds


class RedisHistory:
    """Lists of JSON objects `{"role", "content"}` under exactly the keys that callers give."""

    def __init__(self, redis: Redis, *, limit: int = 20, ttl: float = 86_400.0) -> None:
        """A list keeps its last `limit` messages, for `ttl` seconds after the last of them."""
        self._redis = redis
        self._limit = limit
        self._ttl = to_milliseconds(ttl)

    async def append(self, key: str, messages: Sequence[Message]) -> None:
        """Add messages at the end at once, trim the list to its limit, renew its time to live. Raises StorageError."""
        if not messages:
            return
        with guard():
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.rpush(key, *map(_encode, messages))
                pipe.ltrim(key, -self._limit, -1)
                pipe.pexpire(key, self._ttl)
                await pipe.execute()

    async def window(self, key: str, size: int) -> list[Message] | None:
        """Return the last `size` messages, oldest first, or None where nothing is known. Raises StorageError.

        A list that somebody else filled with other things counts as unknown: the record has the truth.
        """
        with guard():
            items = await self._redis.lrange(key, -max(size, 1), -1)
        try:
            return [_decode(item) for item in items][-size:] if items and size > 0 else ([] if items else None)
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            return None

    async def clear(self, key: str) -> None:
        """Forget the list. Raises StorageError."""
        with guard():
            await self._redis.delete(key)


def _encode(message: Message) -> bytes:
    value = {"role": message.role.value, "content": message.content}
    try:
        return orjson.dumps(value)
    except TypeError:
        # Half a surrogate pair, which no UTF-8 can hold.
        return orjson.dumps({**value, "content": message.content.encode(errors="replace").decode()})


def _decode(item: bytes | str) -> Message:
    value = orjson.loads(item)
    content = value["content"]
    if not isinstance(content, str):
        raise TypeError("content is not text")
    return Message(Role(value["role"]), content)
