"""Stored answers for repeated requests (idempotency records), as services see them."""

from datetime import datetime
from typing import Protocol

from beseda.domain.idempotency_record import KeptAnswer, Repeatable


class KeptAnswerStore(Protocol):
    """Answers by the API key and the idempotency key of their requests. Every method raises StorageError."""

    async def claim(self, request: Repeatable) -> KeptAnswer | None:
        """Return the stored answer for the request, or None if it is new and now marked as in progress.

        A request counts as new if its entry is a day old, or if it began more than a minute ago and has no answer,
        because its process died.
        """
        ...

    async def keep(self, request: Repeatable, answer: KeptAnswer) -> None:
        """Store the answer of a claimed request."""
        ...

    async def release(self, request: Repeatable) -> None:
        """Delete a claim: the request changed nothing, and may be repeated."""
        ...

    async def purge(self, before: datetime) -> int:
        """Delete the answers stored before then and return their number."""
        ...
