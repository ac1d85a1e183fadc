"""The temporary folder of a process below one that several processes share."""

import shutil
import time
from pathlib import Path

from beseda.core.process_identity import find_dead_processes, new_process_id

_ABANDONED = 2 * 24 * 3600.0  # of another machine's process nobody knows whether it lives: no work takes two days


def open_temporary_folder(folder: Path) -> Path:
    """Create a folder of this process below `folder`, and delete those of dead processes.

    Bots and workers share the storage folder, each with work in progress.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = [path.name for path in folder.iterdir()]
    owners = {name: name.replace("+", ":") for name in names}
    dead = set(find_dead_processes(owners.values()))
    for name, owner in owners.items():
        path = folder / name
        if owner in dead or is_older(path, _ABANDONED):
            _remove(path)
    own = folder / new_process_id().replace(":", "+")  # no file system minds a plus
    own.mkdir()
    return own


def is_older(path: Path, seconds: float) -> bool:
    """Return whether a folder was last changed more than `seconds` ago; False if it does not exist."""
    try:
        return time.time() - path.stat().st_mtime > seconds
    except OSError:
        return False


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
