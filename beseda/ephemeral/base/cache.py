"""The cache, as services see it."""

from typing import Protocol


class Cache(Protocol):
    """Cached values, which may vanish at any time, and counters."""

    async def get(self, key: str) -> bytes | None:
        """Return the value or None."""
        ...

    async def set(self, key: str, value: bytes, *, ttl: float) -> None:
        """Store a value for `ttl` seconds."""
        ...

    async def add(self, key: str, value: bytes, *, ttl: float) -> bool:
        """Store a value if the key has none, atomically. Return whether it was stored."""
        ...

    async def increment(self, key: str, *, by: int = 1, ttl: float) -> int:
        """Add to a counter atomically and return its new value; `ttl` starts at the first addition."""
        ...

    async def delete(self, key: str) -> None:
        """Delete a value; a missing one is no error."""
        ...
