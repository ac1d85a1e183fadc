"""The bus for hints between processes."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol


class Bus(Protocol):
    """Hints between processes. Delivery is at most once: a reader that needs certainty also reads the database.

    A hint is a small JSON object. Topics: `updates:{bot}`, `jobs:{bot}`, `territory:{bot}`, `conversations`, `leads`.
    """

    async def publish(self, topic: str, data: Mapping[str, object]) -> None:
        """Notify the current subscribers of `topic`, also those in this process. Never raises: failures are logged."""
        ...

    def subscribe(self, topic: str) -> AbstractAsyncContextManager[AsyncIterator[Mapping[str, object]]]:
        """Listen for the length of the block. If a listener is too slow, its oldest hints are dropped."""
        ...
