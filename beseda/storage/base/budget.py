"""The store of budget counters."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from beseda.domain.budget import Account, BudgetStatus, Grant, ReservationRequest


class BudgetStore(Protocol):
    """Daily counters and reservations against them. Each method is one transaction and raises StorageError."""

    async def reserve(self, claim: ReservationRequest) -> Grant:
        """Reserve the wanted amount, or the amount left, from every account.

        Nothing is reserved if an account has less left than the least amount. Concurrent processes never reserve the
        same amount twice. Expired reservations are freed first, and so is an open reservation of the same id.
        """
        ...

    async def settle(self, reservation_id: str, used: int) -> None:
        """Count the amount used and free the reservation. This happens once, even if the reservation had expired."""
        ...

    async def standings(self, accounts: Sequence[Account]) -> list[BudgetStatus]:
        """Return the usage and limits of the accounts, in their order."""
        ...

    async def note_refusal(self, who: str, key: str, quiet: timedelta) -> bool:
        """Return whether to send a refusal: False if one with another `key` was sent less than `quiet` ago."""
        ...

    async def purge(self, before: datetime, *, limit: int) -> int:
        """Delete old counters, settled reservations and notices, up to `limit` of each. Return their number."""
        ...
