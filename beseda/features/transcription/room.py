"""How much of the disk recordings may take while they are worked on."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from beseda.audio.base import NoRoomError

DEFAULT_BUDGET = 2_000_000_000  # bytes
_KEPT_FREE = 200_000_000  # bytes: the database and the log live on the same disk


class DiskBudget:
    """Holds a share of `max_bytes` for each job, and leaves `kept_free` bytes of the disk to others."""

    def __init__(self, max_bytes: int = DEFAULT_BUDGET, *, kept_free: int = _KEPT_FREE) -> None:
        self._max_bytes = max_bytes
        self._kept_free = kept_free
        self.held = 0

    @contextmanager
    def hold(self, folder: Path, size: int) -> Iterator[None]:
        """Reserve `size` bytes for the block. Raises `NoRoomError` if the budget or the disk has too few."""
        if self.held + size > self._max_bytes:
            raise NoRoomError(f"{size} bytes wanted, {self.held} of {self._max_bytes} are held by others")
        if (free := shutil.disk_usage(folder).free) < size + self._kept_free:
            raise NoRoomError(f"{size} bytes wanted, {free} are free on the disk of {folder.name}")
        self.held += size
        try:
            yield
        finally:
            self.held -= size
