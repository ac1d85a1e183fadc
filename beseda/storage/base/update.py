"""The inbox, as services see it."""

from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from beseda.domain.update import StoredUpdate, Tries


@dataclass(frozen=True, slots=True)
class Look:
    """Selection of unfinished updates: by shards (None: all), by one queue, or all queues except `without`.

    Updates stored before queues existed belong to every queue.
    """

    partitions: Collection[int] | None = None
    queue: str = ""
    without: Collection[str] = ()


EVERYWHERE = Look()


class UpdateStore(Protocol):
    """The inbox: it holds every update from before its confirmation to Telegram until it is processed."""

    async def store(
        self, updates: Sequence[StoredUpdate], *, earlier: Collection[str] = (), known: Container[int] = ()
    ) -> list[StoredUpdate]:
        """Store updates in one transaction and return the new ones in order; repeated updates are left out.

        Updates with `done` set are stored as finished.

        The result begins with the unfinished updates of the queues in `earlier` that have lower numbers and are not in
        `known`, at most a hundred of each queue.
        """
        ...

    async def note_tries(self, bot: str, tries: Mapping[int, Tries]) -> None:
        """Store the number of started and failed attempts on updates, by their numbers."""
        ...

    async def finish(self, bot: str, update_ids: Sequence[int]) -> None:
        """Mark updates as processed. Their payload is deleted; their number stays for deduplication."""
        ...

    async def unfinished(
        self, bot: str, *, limit: int = 1000, after: int | None = None, look: Look = EVERYWHERE
    ) -> list[StoredUpdate]:
        """Return unprocessed updates in order: internal ones, then Telegram's, each oldest first.

        With `after`, return those behind that one.
        """
        ...

    async def find(self, bot: str, update_id: int) -> StoredUpdate | None:
        """Return an unprocessed update, or None."""
        ...

    async def purge(self, before: datetime) -> int:
        """Delete finished updates received before then and return their number."""
        ...
