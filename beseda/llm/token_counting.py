"""A model together with its server's token counting, and a cache of counts."""

from collections import OrderedDict
from dataclasses import replace

from beseda.errors import RemoteError
from beseda.llm.base import ChatModel, Measuring, ModelHealth, ModelWrapper

_REMEMBERED_COUNTS = 1024


class MeasuredModel(ModelWrapper):
    """A `ChatModel` with a `Measuring` beside it."""

    def __init__(self, wire: ChatModel, measuring: Measuring) -> None:
        super().__init__(wire)
        self._measuring = measuring

    @property
    def measuring(self) -> Measuring:
        return self._measuring

    async def check(self) -> ModelHealth:
        """Check the endpoint, and report the context of the served model."""
        health = await super().check()
        if not health.ok:
            return health
        try:
            context = await self._measuring.context_size()
        except RemoteError:
            context = None
        return replace(health, context=context)


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
