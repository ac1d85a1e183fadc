"""Hints between processes, as everybody sees them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol


class Bus(Protocol):
    """Hints between processes. It may lose any message: who needs certainty looks into the record as well.

    A hint is a small JSON object. Topics: `updates:{bot}`, `jobs:{bot}`, `territory:{bot}`, `conversations`, `leads`.
    """

    async def publish(self, topic: str, data: Mapping[str, object]) -> None:
        """Tell whoever listens to `topic` now, in this process too. Never raises: what goes wrong is logged."""
        ...

    def subscribe(self, topic: str) -> AbstractAsyncContextManager[AsyncIterator[Mapping[str, object]]]:
        """Listen for the length of the block. Of a listener that does not keep up the oldest hints are dropped."""
        ...
