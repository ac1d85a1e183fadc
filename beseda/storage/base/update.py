"""The inbox, as services see it."""

from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from beseda.domain.update import StoredUpdate, Tries


@dataclass(frozen=True, slots=True)
class Look:
    """Selection of unfinished updates: of these parts (None: all), of one queue, of all queues but `without`.

    What was stored before updates had queues belongs to every queue.
    """

    partitions: Collection[int] | None = None
    queue: str = ""
    without: Collection[str] = ()


EVERYWHERE = Look()


class UpdateStore(Protocol):
    """The inbox: every update, from before Telegram is told to drop it until it is worked off."""

    async def store(
        self, updates: Sequence[StoredUpdate], *, earlier: Collection[str] = (), known: Container[int] = ()
    ) -> list[StoredUpdate]:
        """Store what is new, in one transaction, and return it in order; repeated updates are left out.

        What is `done` is stored as finished.

        Before it stand the unfinished updates of the queues in `earlier` with lower numbers, but those in `known`: a
        hundred of each queue at most.
        """
        ...

    async def note_tries(self, bot: str, tries: Mapping[int, Tries]) -> None:
        """Record how often work on updates was begun and has failed, by their numbers."""
        ...

    async def finish(self, bot: str, update_ids: Sequence[int]) -> None:
        """Mark updates as worked off; their payload is dropped, their number stays for de-duplication."""
        ...

    async def unfinished(
        self, bot: str, *, limit: int = 1000, after: int | None = None, look: Look = EVERYWHERE
    ) -> list[StoredUpdate]:
        """Return updates not yet worked off, in order: our own, then Telegram's, each oldest first.

        With `after`, those that stand behind that one.
        """
        ...

    async def find(self, bot: str, update_id: int) -> StoredUpdate | None:
        """Return an update that is not worked off yet, or None."""
        ...

    async def purge(self, before: datetime) -> int:
        """Delete finished updates received before then and return how many."""
        ...
