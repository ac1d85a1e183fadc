"""State of chats and people in Redis."""

import orjson
from redis.asyncio import Redis

from beseda.ephemeral.redis.connection import guard, to_milliseconds

_PAGE = 1000


class RedisState:
    """JSON objects under prefixed keys. Every method raises StorageError if Redis does not answer."""

    def __init__(self, redis: Redis, *, prefix: str = "beseda:state:") -> None:
        self._redis = redis
        self._prefix = prefix

    async def get(self, key: str) -> dict[str, object] | None:
        """Return the value or None."""
        with guard():
            value = await self._redis.get(self._prefix + key)
        if value is None:
            return None
        loaded: dict[str, object] = orjson.loads(value)
        return loaded

    async def set(self, key: str, value: dict[str, object], *, ttl: float | None = None) -> None:
        """Store a value. It expires after `ttl` seconds if given."""
        with guard():
            await self._redis.set(
                self._prefix + key, orjson.dumps(value), px=to_milliseconds(ttl) if ttl is not None else None
            )

    async def add(self, key: str, value: dict[str, object], *, ttl: float) -> None:
        """Store a value for `ttl` seconds if the key has none."""
        with guard():
            await self._redis.set(self._prefix + key, orjson.dumps(value), px=to_milliseconds(ttl), nx=True)

    async def clear(self) -> None:
        """Delete all values."""
        with guard():
            keys: list[bytes | str] = []
            async for key in self._redis.scan_iter(match=f"{self._prefix}*", count=_PAGE):
                keys.append(key)
                if len(keys) >= _PAGE:
                    await self._redis.delete(*keys)
                    keys.clear()
            if keys:
                await self._redis.delete(*keys)

    async def delete(self, key: str) -> None:
        """Delete a value; a missing one is no error."""
        with guard():
            await self._redis.delete(self._prefix + key)
