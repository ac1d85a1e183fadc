"""Backups: the archive of a running installation, and a copy of the rows before each migration."""

import asyncio
import logging
from pathlib import Path

from beseda import __version__
from beseda.config import Settings
from beseda.core.clock import SystemClock
from beseda.core.errors import StorageError
from beseda.db.migrate import HEAD, knows_revision, read_revision, upgrade
from beseda.db.snapshot import dump
from beseda.features.backup.service import ArchiveWriter, Manifest

log = logging.getLogger(__name__)


async def write_backup(settings: Settings, target: Path, *, with_files: bool = True) -> Manifest:
    """Write an archive of the database and the stored files to `target`, while other processes keep writing.

    Raises SettingsError for a database without tables. Raises StorageError if the database fails or a file cannot be
    written.
    """
    try:
        writer = await asyncio.to_thread(ArchiveWriter, target, Manifest(SystemClock().now(), __version__))
        try:
            writer.manifest.revision = await dump(settings.database(), writer.add_table)
            if with_files:
                await asyncio.to_thread(writer.add_files, settings.storage_dir)
            await asyncio.to_thread(writer.finish)
        except BaseException:
            writer.discard()
            raise
    except OSError as error:
        raise StorageError(f"the backup cannot be written: {error.strerror or type(error).__name__}") from error
    return writer.manifest


async def upgrade_with_backup(settings: Settings) -> None:
    """Bring the database up to date, and keep a copy of its rows in STORAGE_DIR/backups before any migration."""
    current = await read_revision(settings.database())
    if current is not None and current != HEAD and knows_revision(current):
        folder = settings.storage_dir / "backups"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        target = folder / f"before-{HEAD}-from-{current}.tar.gz"
        await write_backup(settings, target, with_files=False)
        log.info("before the migration to %s the rows were backed up to %s", HEAD, target.name)
    await upgrade(settings.database())
