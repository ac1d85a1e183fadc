"""The database of an installation: opened up to date, archived while it runs, and restored."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from beseda import __version__
from beseda.config import Settings
from beseda.core.clock import SystemClock
from beseda.core.errors import SettingsError, StorageError
from beseda.db.database import Database, Synchronous
from beseda.db.migrate import HEAD, knows_revision, read_revision, upgrade
from beseda.db.snapshot import dump, is_in_use, load
from beseda.engine.identity import continue_ids
from beseda.features.backup.service import ArchiveReader, ArchiveWriter, Manifest
from beseda.features.personal_data.forgotten import ForgottenPerson, read_forgotten

log = logging.getLogger(__name__)

_SYNCHRONOUS: Mapping[str, Synchronous] = {"received": "RECEIVED", "full": "FULL", "normal": "NORMAL"}


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


async def open_database(settings: Settings, stack: AsyncExitStack) -> Database:
    """Migrate the database if needed and open it until the stack is closed. Raises SettingsError, StorageError."""
    await upgrade_with_backup(settings)
    database = await Database.open(settings.database(), synchronous=_SYNCHRONOUS[settings.synchronous])
    stack.push_async_callback(database.close)
    await continue_ids(database)
    return database


async def upgrade_with_backup(settings: Settings) -> None:
    """Bring the database up to date, and keep a copy of its rows in STORAGE_DIR/backups before any migration."""
    current = await read_revision(settings.database())
    # A database without tables has no rows to lose; one of a newer version is refused by the migration.
    if current is not None and current != HEAD and knows_revision(current):
        folder = settings.storage_dir / "backups"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        target = folder / f"before-{HEAD}-from-{current}.tar.gz"
        await write_backup(settings, target, with_files=False)
        log.info("before the migration to %s the rows were backed up to %s", HEAD, target.name)
    await upgrade(settings.database())


@dataclass(frozen=True, slots=True)
class Restored:
    """The result of a restore."""

    manifest: Manifest
    forgotten: int
    """People erased again, because they had their data erased after the backup."""


def check_backup(path: Path) -> Manifest:
    """Compare every entry of an archive with its hash. Raises SettingsError that names the damage, OSError."""
    archive = ArchiveReader(path)
    archive.check()
    if not knows_revision(archive.manifest.revision):
        raise SettingsError(
            f"{path.name} was made by a newer Beseda (revision {archive.manifest.revision}): install that version"
        )
    return archive.manifest


async def restore_backup(
    settings: Settings,
    path: Path,
    lists: Sequence[Path],
    forget: Callable[[Sequence[ForgottenPerson]], Awaitable[None]],
) -> Restored:
    """Fill an empty database and the storage folder from an archive.

    People that had their data erased after the backup, by the list in STORAGE_DIR or one of `lists`, are erased again
    by `forget` before anything else can read the rows. Raises SettingsError if the database is not empty or the archive
    is damaged or newer, StorageError if the database fails.
    """
    manifest = await asyncio.to_thread(check_backup, path)
    forgotten = read_forgotten([settings.forgotten_list, *lists])
    if await read_revision(settings.database()) is not None and await is_in_use(settings.database()):
        raise SettingsError(
            "the database already holds conversations: restore into an empty one (another DATABASE_URL, or move "
            "the file away first)"
        )
    # The tables of the backup first, then their migration: its rows have the columns of their time.
    await upgrade(settings.database(), manifest.revision)
    archive = ArchiveReader(path)
    await load(settings.database(), archive.tables())
    await upgrade(settings.database())
    await asyncio.to_thread(archive.extract_files, settings.storage_dir)
    again = [person for person in forgotten if person.at >= manifest.created_at]
    if again:
        await forget(again)
    return Restored(manifest, len(again))
