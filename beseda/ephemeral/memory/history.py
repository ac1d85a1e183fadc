"""The hot window of a conversation in this process."""

from collections.abc import Sequence

from beseda.core.clock import Clock, SystemClock
from beseda.core.message import Message
from beseda.ephemeral.memory.expiring import ExpiringMap


class MemoryHistory:
    """Lists of messages. The least used conversations are evicted first; the database still has them."""

    def __init__(
        self, clock: Clock | None = None, *, limit: int = 20, ttl: float = 86_400.0, size: int = 10_000
    ) -> None:
        """A list keeps its last `limit` messages, for `ttl` seconds after the last; there are at most `size` lists."""
        self._limit = limit
        self._ttl = ttl
        self._lists: ExpiringMap[tuple[list[Message], int]] = ExpiringMap(clock or SystemClock(), size)

    @property
    def limit(self) -> int:
        """The maximum number of messages in a list."""
        return self._limit

    async def append(
        self, key: str, messages: Sequence[Message], *, turn_id: int = 0, after: int | None = None
    ) -> bool:
        """Append the messages of a turn atomically, trim the list to its limit and renew its time to live.

        With `after`, append only if that is the list's last turn (0: a new list). Return whether they were added.
        """
        known, last = self._lists.get(key) or ([], 0)
        if not messages or (after is not None and last != after):
            return False
        self._lists.set(key, ([*known, *messages][-self._limit :], turn_id or last), self._ttl)
        return True

    async def fill(self, key: str, messages: Sequence[Message], turn_id: int) -> None:
        """Replace the list by messages from the database. The last of them belongs to turn `turn_id`."""
        self._lists.set(key, (list(messages)[-self._limit :], turn_id), self._ttl)

    async def last_turn(self, key: str) -> int:
        """Return the id of the last turn in the list, or 0 if it is unknown."""
        return (self._lists.get(key) or ([], 0))[1]

    async def window(self, key: str, size: int) -> list[Message] | None:
        """Return the last `size` messages, oldest first, or None if the list is unknown."""
        found = self._lists.get(key)
        if found is None:
            return None
        return found[0][-size:] if size > 0 else []

    async def clear(self, key: str) -> None:
        """Delete the list."""
        self._lists.delete(key)
