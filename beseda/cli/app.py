"""The commands, and how each of them fails: clear lines on stderr and an exit code that is not 0."""

import contextlib
import errno
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import typer

from beseda import __version__
from beseda.cli import (
    api,
    ask,
    backup,
    bots,
    chat,
    db,
    doctor,
    enhance,
    keys,
    models,
    run,
    sandbox,
    status,
    transcribe,
    worker,
)
from beseda.core.errors import BesedaError, SettingsError, StorageError

app = typer.Typer(
    name="beseda",
    help="AI bots for Telegram that lose nothing. `beseda run` starts everything; without a token, in a sandbox.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (
    *(run.run, run.bot, api.api, sandbox.sandbox, worker.worker, worker.beat, doctor.doctor, ask.ask, chat.chat),
    *(transcribe.transcribe, enhance.enhance, backup.backup, backup.restore, status.status),
):
    app.command()(command)
app.add_typer(bots.app, name="bots")
app.add_typer(models.app, name="models")
app.add_typer(db.app, name="db")
app.add_typer(keys.app, name="keys")

_HELP_WANTED = "NoArgsIsHelpError"  # Typer keeps click's classes to itself
_FULL = (errno.ENOSPC, errno.EDQUOT)  # a disk, or what stdout was sent to
_LONGEST_LINE = 400  # characters
_WRONG, _FAILED, _INTERRUPTED = 2, 1, 130  # the last as shells have it for a program that Ctrl-C ended


def show_version(wanted: bool) -> None:
    """Print the version and end, if `--version` is given."""
    if wanted:
        typer.echo(f"beseda {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=show_version, is_eager=True, help="Show the version."),
) -> None:
    pass


def main() -> None:
    """Run the command line and end the process: with code 2 for wrong usage or settings, with code 1 for a failure."""
    _prepare_streams()
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
        _end_os_error(error)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except BaseExceptionGroup as group:
        _end_group(group)
    except Exception as error:
        _end_unexpected(error)


def _prepare_streams() -> None:
    """Fill the place of a closed stream, and have a terminal show a question mark for a letter it does not know.

    Cron and some supervisors close stdout. Its number would go to the next file or socket that is opened, and the
    event loop ends the process with an assertion for that (https://github.com/libuv/libuv/issues/2062).
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
        if number and getattr(sys, name) is None:
            setattr(sys, name, open(number, "w", encoding="utf-8", closefd=False))  # noqa: SIM115 - stays open
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _end_group(group: BaseExceptionGroup) -> NoReturn:
    """End with the first error of ours among those of tasks that ran side by side."""
    leaves = list(_list_leaves(group))
    ours = next((leaf for leaf in leaves if isinstance(leaf, BesedaError)), None)
    if ours is not None:
        _end(_WRONG if isinstance(ours, SettingsError) else _FAILED, str(ours))
    if any(isinstance(leaf, KeyboardInterrupt) for leaf in leaves):
        sys.exit(_INTERRUPTED)
    _end_unexpected(group)


def _list_leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _list_leaves(inner)
    else:
        yield error


def _end_unexpected(error: BaseException) -> NoReturn:
    """End with one line; the traceback goes into a file that a person can send with a report."""
    import tempfile
    import traceback

    from beseda.core.logs import scrub

    frames = traceback.extract_tb(error.__traceback__)
    place = f", {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    message = f"unexpected {type(error).__name__}{place}: {' '.join(str(error).split())}"[:_LONGEST_LINE]
    try:
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", prefix="beseda-", suffix=".log", delete=False) as log:
            log.write(scrub("".join(traceback.format_exception(error))))
        message += f"; the log is in {log.name}"
    except OSError as failure:
        message += f"; the log could not be written: {failure.strerror}"
    _end(_FAILED, message)


def _end_os_error(error: OSError) -> NoReturn:
    """End with the file's name and the reason. An error without a file is a bug, unless a disk is full."""
    if error.filename is None and error.errno not in _FULL:
        _end_unexpected(error)
    try:
        sys.stdout.flush()
    except OSError:  # Python flushes stdout once more at the end, and would fail again with a traceback
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    name: str | bytes | int | None = error.filename
    shown = os.fsdecode(name) if isinstance(name, str | bytes) else "" if name is None else str(name)
    _end(_FAILED, ": ".join(filter(None, [shown, error.strerror])))


def _refuse_usage(error: typer.TyperException) -> NoReturn:
    context = getattr(error, "ctx", None)
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    if type(error).__name__ == _HELP_WANTED:  # a group without a command: that is a question
        typer.echo(message)
        sys.exit(_WRONG)
    place = context.command_path if context is not None else "beseda"
    _end(_WRONG, f"{' '.join(message.split()).rstrip('.')}; see `{place} --help`")


def _end(code: int, message: str) -> NoReturn:
    from beseda.core.logs import scrub

    with contextlib.suppress(OSError):  # nobody reads it
        for line in scrub(message).splitlines():
            typer.echo(f"beseda: {line}", err=True)
    sys.exit(code)
