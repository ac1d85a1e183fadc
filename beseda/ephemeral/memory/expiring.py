"""A bounded map with expiring entries, used by the in-process stores."""

from collections import OrderedDict
from typing import Generic, TypeVar

from beseda.core.clock import Clock

V = TypeVar("V")


class ExpiringMap(Generic[V]):
    """Holds at most `size` entries. The least recently used one is evicted first; an expired one is never returned."""

    def __init__(self, clock: Clock, size: int) -> None:
        self._clock = clock
        self._size = size
        self._entries: OrderedDict[str, tuple[V, float | None]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str) -> V | None:
        """Return the value, or None if it is missing or expired."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        value, deadline = entry
        if deadline is not None and deadline <= self._clock.monotonic():
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return value

    def set(self, key: str, value: V, ttl: float | None) -> None:
        """Store a value for `ttl` seconds, or without a time limit."""
        self._entries[key] = (value, None if ttl is None else self._clock.monotonic() + ttl)
        self._entries.move_to_end(key)
        if len(self._entries) > self._size:
            self._entries.popitem(last=False)

    def replace(self, key: str, value: V) -> None:
        """Replace the value of a key that `get` just returned, without changing its time to live."""
        self._entries[key] = (value, self._entries[key][1])

    def delete(self, key: str) -> None:
        """Delete an entry; a missing one is no error."""
        self._entries.pop(key, None)
