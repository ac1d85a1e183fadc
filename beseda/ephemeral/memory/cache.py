"""The cache in the memory of this process: values that may vanish at any time, and counters."""

from beseda.core.clock import Clock, SystemClock
from beseda.core.errors import StorageError
from beseda.ephemeral.memory.expiring import ExpiringMap


class MemoryCache:
    """Bytes and counters. No method awaits anything, so each is atomic among the tasks of one event loop."""

    def __init__(self, clock: Clock | None = None, *, size: int = 100_000) -> None:
        """At most `size` values; the least recently used one is evicted first."""
        self._values: ExpiringMap[bytes] = ExpiringMap(clock or SystemClock(), size)

    async def get(self, key: str) -> bytes | None:
        """Return the value or None; a counter reads as its decimal digits."""
        return self._values.get(key)

    async def set(self, key: str, value: bytes, *, ttl: float) -> None:
        """Store a value for `ttl` seconds."""
        self._values.set(key, value, ttl)

    async def add(self, key: str, value: bytes, *, ttl: float) -> bool:
        """Store a value if the key has none, atomically. Return whether it was stored."""
        if self._values.get(key) is not None:
            return False
        self._values.set(key, value, ttl)
        return True

    async def increment(self, key: str, *, by: int = 1, ttl: float) -> int:
        """Add to a counter atomically and return its new value; `ttl` starts at the first addition.

        Raises StorageError if the value of the key is not a number.
        """
        before = self._values.get(key)
        if before is None:
            self._values.set(key, b"%d" % by, ttl)
            return by
        try:
            value = int(before) + by
        except ValueError:
            raise StorageError("the value under a counter's key is not a number") from None
        self._values.replace(key, b"%d" % value)
        return value

    async def delete(self, key: str) -> None:
        """Delete a value; a missing one is no error."""
        self._values.delete(key)
