"""Databases for tests: SQLite is migrated once in a process and copied from then on, which saves 0.2 s for each."""

import asyncio
import tempfile
from pathlib import Path

from beseda.storage.sql import migrate
from beseda.storage.sql.sqlite import prepare_file

_migrated: list[bytes] = []


async def make_database(path: Path) -> None:
    """Write an empty SQLite database at the newest revision to `path`; a database that is there stays as it is."""
    if not _migrated:
        _migrated.append(await _migrate())
    await asyncio.to_thread(_write, path, _migrated[0])


async def _migrate() -> bytes:
    with tempfile.TemporaryDirectory(prefix="beseda-template-") as folder:
        path = Path(folder) / "beseda.db"
        await migrate.upgrade(f"sqlite:///{path}")
        return await asyncio.to_thread(path.read_bytes)


def _write(path: Path, content: bytes) -> None:
    if not path.exists():
        prepare_file(path)
        path.write_bytes(content)
