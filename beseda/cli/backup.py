"""`beseda backup` and `beseda restore`: one archive of the database and the stored files, and the way back."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from beseda.cli.settings import ConfigOption, JsonOption, open_storage, read_settings, run_async
from beseda.core.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beseda.features.backup.service import Manifest
    from beseda.features.personal_data.forgotten import ForgottenPerson

ArchiveArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The archive.", show_default=False)]


def backup(file: ArchiveArgument, as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Write one consistent archive of the database and the stored files while everything runs."""
    from beseda.app_database import write_backup

    settings = read_settings(config)
    manifest = run_async(write_backup(settings, file))
    _show(manifest, as_json, f"{file} holds", archive=str(file))


def restore(
    file: ArchiveArgument,
    check: Annotated[
        bool, typer.Option("--check", help="Only read the archive and compare every hash; nothing is written.")
    ] = False,
    forgotten: Annotated[
        list[Path] | None,
        typer.Option("--forgotten", help="Another list of forgotten people: forgotten.jsonl of another machine."),
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Fill an empty database and the storage folder from an archive, of SQLite or PostgreSQL alike.

    Personal data that was erased after the backup is erased again.
    """
    from beseda.app_database import check_backup, restore_backup

    settings = read_settings(config)
    if check:
        _show(check_backup(file), as_json, f"{file} is whole:", archive=str(file))
        return
    open_storage(settings)
    for path in forgotten or ():
        if not path.exists():
            raise SettingsError(f"--forgotten: there is no file {path}")

    async def forget(people: "Sequence[ForgottenPerson]") -> None:
        from beseda.app import open_app

        async with open_app(settings) as app:
            for person in people:
                await app.build_personal_data(person.owner.bot).forget(person.owner)

    restored = run_async(restore_backup(settings, file, forgotten or (), forget))
    _show(restored.manifest, as_json, "Restored:", forgotten=restored.forgotten)
    if restored.forgotten and not as_json:
        typer.echo(f"{restored.forgotten} people who had their data erased after this backup were erased again.")


def _show(manifest: "Manifest", as_json: bool, opening: str, **more: Any) -> None:
    import orjson

    facts = {
        "created_at": manifest.created_at.isoformat(),
        "revision": manifest.revision,
        "tables": len(manifest.tables),
        "rows": manifest.rows,
        "files": len(manifest.files),
        "bytes": manifest.size,
        **more,
    }
    if as_json:
        typer.echo(orjson.dumps(facts, option=orjson.OPT_INDENT_2).decode())
        return
    typer.echo(
        f"{opening} {manifest.rows} rows of {len(manifest.tables)} tables and {len(manifest.files)} files, "
        f"as of {manifest.created_at:%Y-%m-%d %H:%M:%S} UTC, revision {manifest.revision}."
    )
