"""The hot window of a conversation in this process."""

from collections.abc import Sequence

from beseda.domain.message import Message
from beseda.kit.clock import Clock, SystemClock
from beseda.storage.memory.expiring import ExpiringMap


class MemoryHistory:
    """Lists of messages; the least used conversations are forgotten first, the record still has them."""

    def __init__(
        self, clock: Clock | None = None, *, limit: int = 20, ttl: float = 86_400.0, size: int = 10_000
    ) -> None:
        """A list keeps its last `limit` messages, for `ttl` seconds after the last; there are at most `size` lists."""
        self._limit = limit
        self._ttl = ttl
        self._lists: ExpiringMap[list[Message]] = ExpiringMap(clock or SystemClock(), size)

    async def append(self, key: str, messages: Sequence[Message]) -> None:
        """Add messages at the end at once, trim the list to its limit, renew its time to live."""
        if messages:
            self._lists.set(key, [*(self._lists.get(key) or ()), *messages][-self._limit :], self._ttl)

    async def window(self, key: str, size: int) -> list[Message] | None:
        """Return the last `size` messages, oldest first, or None where nothing is known."""
        found = self._lists.get(key)
        if found is None:
            return None
        return found[-size:] if size > 0 else []

    async def clear(self, key: str) -> None:
        """Forget the list."""
        self._lists.delete(key)
