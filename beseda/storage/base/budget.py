"""Where budgets are counted."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from beseda.domain.budget import Account, Claim, Grant, Standing


class BudgetStore(Protocol):
    """Counters of a day, and what is reserved of them. Each method is one transaction and raises StorageError."""

    async def reserve(self, claim: Claim) -> Grant:
        """Hold as much of every account as is wanted and left, or nothing where an account has less than the least.

        However many processes ask at once, nothing is held twice. What expired is freed first; an open reservation of
        the same id gives way.
        """
        ...

    async def settle(self, reservation_id: str, used: int) -> None:
        """Count what was really used and free what was held; once, also where it had expired."""
        ...

    async def standings(self, accounts: Sequence[Account]) -> list[Standing]:
        """Return how the accounts stand, in their order."""
        ...

    async def note_refusal(self, who: str, key: str, quiet: timedelta) -> bool:
        """Return whether a refusal is to be said: not where another, of another `key`, was less than `quiet` ago."""
        ...

    async def purge(self, before: datetime, *, limit: int) -> int:
        """Delete counters, settled reservations and notices of before, up to `limit` of each; return how many."""
        ...
