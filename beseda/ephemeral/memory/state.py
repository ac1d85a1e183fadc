"""State of chats and people in this process."""

import orjson

from beseda.core.clock import Clock, SystemClock
from beseda.ephemeral.memory.expiring import ExpiringMap


class MemoryState:
    """JSON objects stored as text: reads return copies, and values that Redis would reject are rejected too."""

    def __init__(self, clock: Clock | None = None, *, size: int = 100_000) -> None:
        """At most `size` values; the least recently used one is evicted first."""
        self._values: ExpiringMap[bytes] = ExpiringMap(clock or SystemClock(), size)

    async def get(self, key: str) -> dict[str, object] | None:
        """Return the value or None."""
        value = self._values.get(key)
        if value is None:
            return None
        loaded: dict[str, object] = orjson.loads(value)
        return loaded

    async def set(self, key: str, value: dict[str, object], *, ttl: float | None = None) -> None:
        """Store a value. It expires after `ttl` seconds if given."""
        self._values.set(key, orjson.dumps(value), ttl)

    async def delete(self, key: str) -> None:
        """Delete a value; a missing one is no error."""
        self._values.delete(key)
