"""Answers that are given again, as services see them."""

from datetime import datetime
from typing import Protocol

from beseda.domain.kept_answer import KeptAnswer, Repeatable


class KeptAnswerStore(Protocol):
    """Answers by the API key and the idempotency key of their requests. Every method raises StorageError."""

    async def claim(self, request: Repeatable) -> KeptAnswer | None:
        """Return what is kept for the request, or None where it is new: then it counts as under way.

        What is a day old counts as new, and so does a request that began a minute ago and was never answered: its
        process died.
        """
        ...

    async def keep(self, request: Repeatable, answer: KeptAnswer) -> None:
        """Keep the answer of a request that was claimed."""
        ...

    async def release(self, request: Repeatable) -> None:
        """Forget a claim: the request changed nothing, and may come again."""
        ...

    async def purge(self, before: datetime) -> int:
        """Delete what was kept before then and return how many answers that was."""
        ...
