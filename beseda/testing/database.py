"""Databases for tests: SQLite is migrated once in a process and copied from then on, which saves 0.2 s for each."""

import asyncio
import tempfile
from pathlib import Path
from threading import Lock

from beseda.db import migrate
from beseda.db.sqlite import prepare_file

_migrated: list[bytes] = []
_lock = Lock()  # Alembic migrates one database of a process at a time


async def make_database(path: Path) -> None:
    """Write an empty SQLite database at the newest revision to `path`; a database that is there stays as it is."""
    await asyncio.to_thread(_write, path)


def _write(path: Path) -> None:
    if path.exists():
        return
    with _lock:
        if not _migrated:
            _migrated.append(_migrate())
    prepare_file(path)
    path.write_bytes(_migrated[0])


def _migrate() -> bytes:
    with tempfile.TemporaryDirectory(prefix="beseda-template-") as folder:
        path = Path(folder) / "beseda.db"
        asyncio.run(migrate.upgrade(f"sqlite:///{path}"))
        return path.read_bytes()
