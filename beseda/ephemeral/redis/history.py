"""The hot window of a conversation as a list in Redis."""

from collections.abc import Sequence

import orjson
from redis.asyncio import Redis

from beseda.core.message import Message, Role
from beseda.ephemeral.redis.connection import guard, to_milliseconds

# KEYS: the list, its mark. ARGV: the turn that the mark must name ('' for any), the new turn, the list's limit, its
# time to live, the messages. A list that is gone although its mark is there was evicted: nothing is added to it.
_APPEND = """
local mark = redis.call('GET', KEYS[2]) or '0'
if ARGV[1] ~= '' then
  if mark ~= ARGV[1] then return 0 end
  if mark ~= '0' and redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
end
for i = 5, #ARGV do redis.call('RPUSH', KEYS[1], ARGV[i]) end
redis.call('LTRIM', KEYS[1], -ARGV[3], -1)
redis.call('PEXPIRE', KEYS[1], ARGV[4])
if ARGV[2] ~= '0' then mark = ARGV[2] end
if mark ~= '0' then redis.call('SET', KEYS[2], mark, 'PX', ARGV[4]) end
return 1
"""


class RedisHistory:
    """Lists of JSON objects `{"role", "content"}` under exactly the keys that callers give.

    The last turn of each list is a string under a separate key, because other programs read the lists too.
    """

    def __init__(self, redis: Redis, *, limit: int = 20, ttl: float = 86_400.0) -> None:
        """A list keeps its last `limit` messages, for `ttl` seconds after the last of them."""
        self._redis = redis
        self._limit = limit
        self._ttl = to_milliseconds(ttl)
        self._append = redis.register_script(_APPEND)

    @property
    def limit(self) -> int:
        """The maximum number of messages in a list."""
        return self._limit

    async def append(
        self, key: str, messages: Sequence[Message], *, turn_id: int = 0, after: int | None = None
    ) -> bool:
        """Append the messages of a turn atomically, trim the list to its limit and renew its time to live.

        With `after`, append only if that is the list's last turn (0: a new list). Return whether they were added.
        Raises StorageError.
        """
        if not messages:
            return False
        arguments = ["" if after is None else after, turn_id, self._limit, self._ttl, *map(_encode, messages)]
        with guard():
            return bool(await self._append(keys=[key, _mark(key)], args=arguments))

    async def fill(self, key: str, messages: Sequence[Message], turn_id: int) -> None:
        """Replace the list by messages from the database. The last of them belongs to turn `turn_id`.

        Raises StorageError.
        """
        with guard():
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.delete(key)
                pipe.rpush(key, *map(_encode, messages[-self._limit :]))
                pipe.pexpire(key, self._ttl)
                pipe.set(_mark(key), turn_id, px=self._ttl)
                await pipe.execute()

    async def last_turn(self, key: str) -> int:
        """Return the id of the last turn in the list, or 0 if it is unknown. Raises StorageError."""
        with guard():
            found = await self._redis.get(_mark(key))
        return int(found) if found else 0

    async def window(self, key: str, size: int) -> list[Message] | None:
        """Return the last `size` messages, oldest first, or None if the list is unknown. Raises StorageError.

        A list with foreign contents counts as unknown: the database is the source of truth.
        """
        with guard():
            items = await self._redis.lrange(key, -max(size, 1), -1)
        try:
            return [_decode(item) for item in items][-size:] if items and size > 0 else ([] if items else None)
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            return None

    async def clear(self, key: str) -> None:
        """Delete the list. Raises StorageError."""
        with guard():
            await self._redis.delete(key, _mark(key))


def _mark(key: str) -> str:
    return f"beseda:history:{key}"


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
