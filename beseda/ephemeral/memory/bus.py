"""Hints within this process."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

_KEPT = 1000  # hints that wait for one listener


class Mailbox:
    """The pending hints of one listener."""

    def __init__(self) -> None:
        self._hints: asyncio.Queue[Mapping[str, object]] = asyncio.Queue(_KEPT)

    def put(self, data: Mapping[str, object]) -> None:
        """Add a hint. If the mailbox is full, drop the oldest hint."""
        if self._hints.full():
            self._hints.get_nowait()
        self._hints.put_nowait(data)

    def __aiter__(self) -> AsyncIterator[Mapping[str, object]]:
        return self

    async def __anext__(self) -> Mapping[str, object]:
        return await self._hints.get()


class MemoryBus:
    """Implements `Bus` for one process."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[Mailbox]] = {}

    async def publish(self, topic: str, data: Mapping[str, object]) -> None:
        """Notify the current subscribers of `topic`."""
        for mailbox in self._listeners.get(topic, ()):
            mailbox.put(data)

    @asynccontextmanager
    async def subscribe(self, topic: str) -> AsyncIterator[AsyncIterator[Mapping[str, object]]]:
        """Listen for the length of the block."""
        mailbox = Mailbox()
        listeners = self._listeners.setdefault(topic, set())
        listeners.add(mailbox)
        try:
            yield mailbox
        finally:
            listeners.discard(mailbox)
