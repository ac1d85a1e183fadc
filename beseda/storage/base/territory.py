"""The store of shard leases: ownership of the shards of a bot's chats."""

from typing import Protocol

from beseda.domain.shard_lease import LeaseRequest, LeaseStatus


class TerritoryStore(Protocol):
    """Leases on the shards of a bot's chats. Each method is one transaction and raises StorageError."""

    async def beat(self, claim: LeaseRequest) -> LeaseStatus:
        """Renew a replica's lease, free the shards it released and assign it its share of the free shards.

        A shard is free if it has no owner, if its owner's lease has expired, or if its owner was a process of this
        machine that is dead.
        """
        ...

    async def leave(self, bot: str, name: str) -> None:
        """Release all shards of a replica and delete its row."""
        ...
