"""The inbox, as services see it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from beseda.domain.update import StoredUpdate


class UpdateStore(Protocol):
    """The inbox: every update, from before Telegram is told to drop it until it is worked off."""

    async def store(self, updates: Sequence[StoredUpdate]) -> list[StoredUpdate]:
        """Store what is new, in one transaction, and return it in order; repeated updates are left out."""
        ...

    async def finish(self, bot: str, update_ids: Sequence[int]) -> None:
        """Mark updates as worked off; their payload is dropped, their number stays for de-duplication."""
        ...

    async def unfinished(self, bot: str, *, limit: int = 1000, after: int = 0) -> list[StoredUpdate]:
        """Return updates not yet worked off with a number above `after`, oldest first."""
        ...

    async def purge(self, before: datetime) -> int:
        """Delete finished updates received before then and return how many."""
        ...
