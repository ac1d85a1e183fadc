"""Free space of a disk."""

import shutil
from pathlib import Path


def read_free_bytes(folder: Path) -> int:
    """Return how many bytes an ordinary user may still write to the disk of `folder`, or of its closest parent."""
    while not folder.exists():
        folder = folder.absolute().parent
    return shutil.disk_usage(folder).free
