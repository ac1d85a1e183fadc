"""Heartbeats of the processes of one installation."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from beseda.domain.process import RunningProcess


class ProcessStore(Protocol):
    """Heartbeats by the name of the process. Methods raise StorageError."""

    async def beat(self, process: RunningProcess) -> None:
        """Store a heartbeat. This is a write, so it fails if the database is read-only."""
        ...

    async def leave(self, name: str) -> None:
        """Delete the row of a process that ends."""
        ...

    async def list(self, since: datetime) -> Sequence[RunningProcess]:
        """Return the processes seen since then, oldest first, and delete those not seen for a day."""
        ...
