"""The way back from a backup: an empty database and the storage folder are filled from an archive."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from beseda.app.container import open_container
from beseda.config import Settings
from beseda.core.errors import SettingsError
from beseda.db.migrate import knows_revision, read_revision, upgrade
from beseda.db.snapshot import is_in_use, load
from beseda.features.backup.service import ArchiveReader, Manifest
from beseda.features.personal_data.forgotten import ForgottenPerson, read_forgotten


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


async def restore_backup(settings: Settings, path: Path, lists: tuple[Path, ...] = ()) -> Restored:
    """Fill an empty database and the storage folder from an archive.

    People that had their data erased after the backup, by the list in STORAGE_DIR or one of `lists`, are erased again
    before anything else can read the rows. Raises SettingsError if the database is not empty or the archive is damaged
    or newer, StorageError if the database fails.
    """
    manifest = await asyncio.to_thread(check_backup, path)
    forgotten = read_forgotten([settings.forgotten_list, *lists])
    if await read_revision(settings.database()) is not None and await is_in_use(settings.database()):
        raise SettingsError(
            "the database already holds conversations: restore into an empty one (another DATABASE_URL, or move "
            "the file away first)"
        )
    await upgrade(settings.database(), manifest.revision)
    archive = ArchiveReader(path)
    await load(settings.database(), archive.tables())
    await upgrade(settings.database())
    await asyncio.to_thread(archive.extract_files, settings.storage_dir)
    again = [person for person in forgotten if person.at >= manifest.created_at]
    await _forget(settings, again)
    return Restored(manifest, len(again))


async def _forget(settings: Settings, people: list[ForgottenPerson]) -> None:
    if not people:
        return
    async with open_container(settings) as container:
        for person in people:
            await container.build_personal_data(person.owner.bot).forget(person.owner)
