"""Who works on which part of a bot's chats, as the dispatcher sees it."""

from typing import Protocol

from beseda.domain.territory import Claim, Standing


class TerritoryStore(Protocol):
    """Leases on parts of a bot's chats. Each method is one transaction; every one raises StorageError."""

    async def beat(self, claim: Claim) -> Standing:
        """Renew a replica's lease, give back what it released, and let it claim its share of what is free.

        Free is what nobody has, whose owner's lease has run out, or whose owner was a process of this machine that
        is dead.
        """
        ...

    async def leave(self, bot: str, name: str) -> None:
        """Give back everything a replica has and forget it."""
        ...
