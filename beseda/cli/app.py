"""The commands, and how each of them fails: one clear line on stderr and an exit code that is not 0."""

import sys

import typer

from beseda import __version__
from beseda.cli import ask, bots, db, doctor, models, run, sandbox, worker
from beseda.errors import BesedaError, SettingsError

app = typer.Typer(
    name="beseda",
    help="AI bots for Telegram that lose nothing. `beseda run` starts everything; without a token, in a sandbox.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for group in (run, sandbox, worker, doctor, ask):
    group.register(app)
app.add_typer(bots.app, name="bots")
app.add_typer(models.app, name="models")
app.add_typer(db.app, name="db")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"beseda {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_show_version, is_eager=True, help="Show the version."),
) -> None:
    pass


def main() -> None:
    """Run the command line and end the process: 2 where what was asked makes no sense, 1 where it failed."""
    try:
        app()
    except SettingsError as error:
        typer.echo(f"beseda: {error.detail}", err=True)
        sys.exit(2)
    except BesedaError as error:
        typer.echo(f"beseda: {error}", err=True)
        sys.exit(1)
