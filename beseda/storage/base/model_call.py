"""Store of model calls made outside chat turns."""

from typing import Protocol

from beseda.domain.usage import CallPurpose, ModelCall


class ModelCallStore(Protocol):
    """Model calls made outside chat turns; calls for answers are stored with the turns. Methods raise StorageError."""

    async def add(self, call: ModelCall, errand: CallPurpose) -> None:
        """Store a call and its purpose."""
        ...
