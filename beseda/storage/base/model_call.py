"""Calls of models that are no turn's answer, as services see them."""

from typing import Protocol

from beseda.domain.usage import Errand, ModelCall


class ModelCallStore(Protocol):
    """What models were asked beside answers, which the record of turns keeps. Methods raise StorageError."""

    async def add(self, call: ModelCall, errand: Errand) -> None:
        """Put a call on record, and what it was for."""
        ...
