"""Events, as services see them."""

from collections.abc import Sequence
from typing import Protocol

from beseda.domain.event import Event, EventFilter, NewEvent


class EventStore(Protocol):
    """Events. Most are written by other stores, in the transaction of the change that they describe."""

    async def add(self, events: Sequence[NewEvent]) -> None:
        """Store events that do not belong to a change in the database."""
        ...

    async def list(self, wanted: EventFilter, *, limit: int, offset: int = 0, before: int | None = None) -> list[Event]:
        """Return events, newest first: those with ids below `before`, else from `offset` on."""
        ...

    async def count(self, wanted: EventFilter) -> int:
        """Return the number of events that match."""
        ...
