"""The cache in Redis: values that may vanish at any time, and counters."""

from redis.asyncio import Redis

from beseda.ephemeral.redis.connection import guard, to_milliseconds

# EXPIRE … NX would do, but only from Redis 7 on.
_INCREMENT = """
local value = redis.call('INCRBY', KEYS[1], ARGV[1])
if redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return value
"""


class RedisCache:
    """Bytes and counters under prefixed keys. Every method raises StorageError if Redis does not answer."""

    def __init__(self, redis: Redis, *, prefix: str = "beseda:cache:") -> None:
        self._redis = redis
        self._prefix = prefix
        self._increment = redis.register_script(_INCREMENT)

    async def get(self, key: str) -> bytes | None:
        """Return the value or None; a counter reads as its decimal digits."""
        with guard():
            value = await self._redis.get(self._prefix + key)
        return value.encode() if isinstance(value, str) else value

    async def set(self, key: str, value: bytes, *, ttl: float) -> None:
        """Store a value for `ttl` seconds."""
        with guard():
            await self._redis.set(self._prefix + key, value, px=to_milliseconds(ttl))

    async def add(self, key: str, value: bytes, *, ttl: float) -> bool:
        """Store a value if the key has none, atomically. Return whether it was stored."""
        with guard():
            return bool(await self._redis.set(self._prefix + key, value, px=to_milliseconds(ttl), nx=True))

    async def increment(self, key: str, *, by: int = 1, ttl: float) -> int:
        """Add to a counter atomically and return its new value; `ttl` starts at the first addition."""
        with guard():
            return int(await self._increment(keys=[self._prefix + key], args=[by, to_milliseconds(ttl)]))

    async def delete(self, key: str) -> None:
        """Delete a value; a missing one is no error."""
        with guard():
            await self._redis.delete(self._prefix + key)
