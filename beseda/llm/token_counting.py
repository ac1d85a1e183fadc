"""The context of a model as its answers show it, and a cache of token counts."""

from collections import OrderedDict

_REMEMBERED_COUNTS = 1024


class LearnedMeasuring:
    """The context derived from the usage of earlier answers, for a server that does not report it."""

    def __init__(self, size: int) -> None:
        self._size = size

    async def context_size(self) -> int | None:
        return self._size

    async def count_tokens(self, text: str) -> int | None:
        return None


class CountMemory:
    """Cache of the token counts of the last texts, since a conversation repeats the same messages."""

    def __init__(self) -> None:
        self._counts: OrderedDict[str, int] = OrderedDict()

    def find(self, text: str) -> int | None:
        """Return the token count of `text`, or None if it is not cached."""
        if text in self._counts:
            self._counts.move_to_end(text)
        return self._counts.get(text)

    def keep(self, text: str, count: int) -> None:
        """Store a count, and evict the least recently used one if the cache is full."""
        self._counts[text] = count
        if len(self._counts) > _REMEMBERED_COUNTS:
            self._counts.popitem(last=False)
