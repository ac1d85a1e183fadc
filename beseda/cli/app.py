"""The commands, and how each of them fails: clear lines on stderr and an exit code that is not 0."""

import contextlib
import errno
import io
import os
import sys
from typing import NoReturn

import typer

from beseda import __version__
from beseda.cli import api, ask, backup, bots, chat, db, doctor, enhance, keys, models, run, sandbox, transcribe, worker
from beseda.errors import BesedaError, SettingsError, StorageError

app = typer.Typer(
    name="beseda",
    help="AI bots for Telegram that lose nothing. `beseda run` starts everything; without a token, in a sandbox.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for group in (run, api, sandbox, worker, doctor, ask, chat, transcribe, enhance, backup):
    group.register(app)
app.add_typer(bots.app, name="bots")
app.add_typer(models.app, name="models")
app.add_typer(db.app, name="db")
app.add_typer(keys.app, name="keys")

_FULL = (errno.ENOSPC, errno.EDQUOT)  # a disk, or what stdout was sent to
_WRONG, _FAILED, _INTERRUPTED = 2, 1, 130  # the last as shells have it for a program that Ctrl-C ended


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
    _print_anything()
    try:
        sys.exit(app(prog_name="beseda", standalone_mode=False))
    except typer.TyperException as error:
        _refuse_usage(error)
    except SettingsError as error:
        _end(_WRONG, error.detail)
    except StorageError as error:
        _end(_FAILED, f"{error} (DATABASE_URL and REDIS_URL say where they are)")
    except BesedaError as error:
        _end(_FAILED, str(error))
    except OSError as error:
        if error.filename is None and error.errno not in _FULL:
            raise
        _drop_output()
        _end(_FAILED, ": ".join(filter(None, [error.filename, error.strerror])))
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


def _print_anything() -> None:
    """Have a terminal that knows few letters show a question mark instead of ending the program."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _drop_output() -> None:
    """Have Python's own last flush of stdout go nowhere, where it cannot be written."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _refuse_usage(error: typer.TyperException) -> NoReturn:
    context = getattr(error, "ctx", None)
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    if context is not None and message == context.get_help():  # a group without a command: that is a question
        typer.echo(message)
        sys.exit(_WRONG)
    place = context.command_path if context is not None else "beseda"
    _end(_WRONG, f"{' '.join(message.split()).rstrip('.')}; see `{place} --help`")


def _end(code: int, message: str) -> NoReturn:
    from beseda.logs import scrub

    with contextlib.suppress(OSError):  # nobody reads it
        for line in scrub(message).splitlines():
            typer.echo(f"beseda: {line}", err=True)
    sys.exit(code)
