"""`beseda db`: migrations."""

from typing import Annotated

import typer

from beseda.cli.settings import ConfigOption, name_database, read_settings, run_async

app = typer.Typer(help="The database's tables.", no_args_is_help=True)


@app.command()
def upgrade(
    no_backup: Annotated[
        bool, typer.Option("--no-backup", help="Migrate without a copy of the rows in STORAGE_DIR/backups.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Bring the database up to date. `beseda run` does it by itself at the start."""
    from beseda.app_database import upgrade_with_backup
    from beseda.db.migrate import upgrade as upgrade_alone

    settings = read_settings(config)
    run_async(upgrade_alone(settings.database()) if no_backup else upgrade_with_backup(settings))
    typer.echo(f"The database is up to date: {name_database(settings)}")


@app.command()
def check(config: ConfigOption = None) -> None:
    """Check whether the database is up to date; exit 1 if not."""
    from beseda.db.migrate import check as find_problems

    settings = read_settings(config)
    problems = run_async(find_problems(settings.database()))
    for problem in problems:
        typer.echo(problem, err=True)
    if problems:
        raise typer.Exit(1)
    typer.echo(f"The database is up to date: {name_database(settings)}")
