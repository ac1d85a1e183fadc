"""Small values of chats and people, as services see them."""

from typing import Protocol


class StateStore(Protocol):
    """Small JSON-able values of a chat or a person: mode, pending question."""

    async def get(self, key: str) -> dict[str, object] | None:
        """Return the value or None."""
        ...

    async def set(self, key: str, value: dict[str, object], *, ttl: float | None = None) -> None:
        """Store a value. It expires after `ttl` seconds if given."""
        ...

    async def delete(self, key: str) -> None:
        """Delete a value; a missing one is no error."""
        ...
