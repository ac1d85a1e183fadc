"""API keys."""

from datetime import datetime
from typing import Protocol

from beseda.domain.api_key import ApiKey, Scope


class ApiKeyStore(Protocol):
    """API keys. A revoked key stays in the table, so that its number is never used again."""

    async def add(self, name: str, scope: Scope, secret_hash: str) -> ApiKey:
        """Store a new key and return it."""
        ...

    async def find(self, key_id: int) -> ApiKey | None:
        """Return a key, revoked or not, or None."""
        ...

    async def page(self, *, limit: int, offset: int = 0) -> list[ApiKey]:
        """Return some of the keys, newest first."""
        ...

    async def count(self) -> int:
        """Return how many keys there are."""
        ...

    async def revoke(self, key_id: int) -> ApiKey | None:
        """Revoke a key and return it, or None if it does not exist. The time of the first revocation is kept."""
        ...

    async def mark_used(self, key_id: int, at: datetime) -> None:
        """Store the time at which a key was last used."""
        ...
