"""Free space of a disk."""

import shutil
from dataclasses import dataclass
from pathlib import Path


def read_free_bytes(folder: Path) -> int:
    """Return how many bytes an ordinary user may still write to the disk of `folder`, or of its closest parent."""
    while not folder.exists():
        folder = folder.absolute().parent
    return shutil.disk_usage(folder).free


@dataclass(frozen=True, slots=True)
class StorageFolder:
    """The folder of all files of an installation (STORAGE_DIR)."""

    path: Path

    def read_free_bytes(self) -> int:
        """Return the free space of its disk."""
        return read_free_bytes(self.path)
