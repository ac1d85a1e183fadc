"""From flags to settings and to a log that keeps secrets."""

import os
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from beseda.core.errors import SettingsError

if TYPE_CHECKING:
    from beseda.config import Settings

T = TypeVar("T")

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="Another settings file than ./config.yaml.", show_default=False)
]
_WARNS_OF_KEYS = "beseda.llm.gigachat"  # its one warning is never suppressed: the key goes to an unverified server

END_WITHIN = 9.0
"""Seconds from the signal to the end of a process: `docker stop` kills after ten unless it is set otherwise."""

HostOption = Annotated[str | None, typer.Option("--host", help="Address the web listens on [default: 127.0.0.1].")]
PortOption = Annotated[
    int | None, typer.Option("--port", help="Port the web listens on, 0 for a free one [default: 8090].")
]
JsonOption = Annotated[bool, typer.Option("--json", help="For programs.")]


def read_settings(config: Path | None = None, *, quiet: bool = True, **flags: object) -> "Settings":
    """Return the settings, overridden by these flags. From here on their secrets are redacted in the log.

    A `quiet` command prints its results itself: only errors are logged, unless the level is `debug`. Raises
    SettingsError.
    """
    import logging

    from beseda.config import load_settings
    from beseda.core.logs import redact, setup_logging

    settings = load_settings(config, flags)
    level = "error" if quiet and settings.log_level != "debug" else settings.log_level
    setup_logging(level.upper(), json=settings.log_format == "json")
    if level == "error":
        logging.getLogger(_WARNS_OF_KEYS).setLevel(logging.WARNING)
    for secret in settings.secrets():
        redact(secret)
    return settings


def open_storage(settings: "Settings") -> Path:
    """Return the storage folder; create it if it does not exist. Raises SettingsError if it is not writable."""
    import tempfile

    folder = settings.storage_dir
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # chats, photos and people's exports are in it
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        reason = "it is a file" if folder.is_file() else error.strerror
        raise SettingsError(
            f"STORAGE_DIR: {folder} cannot be used ({reason}); give a folder that this user may write to"
        ) from error


def explain_port(host: str, port: int, error: OSError) -> str:
    """Return the reason that an address cannot be listened on, and the remedy."""
    # Python puts the address behind the system's own words; those of a name that cannot be looked up have no number.
    number = error.errno or 0
    reason = os.strerror(number) if number > 0 else error.strerror or str(error)
    return f"nothing can listen at {host}, port {port} ({reason}): try another --port (BESEDA_PORT)"


def name_database(settings: "Settings") -> str:
    """Return which database these settings lead to, without a password: a command may be run in another folder."""
    from urllib.parse import urlsplit

    parts = urlsplit(settings.database())
    if parts.scheme.startswith("sqlite"):
        return str(Path(parts.path.removeprefix("/")).absolute())
    return f"PostgreSQL {parts.path.strip('/')} at {parts.hostname or 'a local socket'}"


def run_async(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the fastest event loop there is for this system."""
    import asyncio

    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    return uvloop.run(main)


def serve_until_signal(work: Coroutine[Any, Any, None], *, within: float = END_WITHIN) -> None:
    """Run `work` until it ends, or until SIGTERM or Ctrl-C cancels it, which counts as a normal end.

    The process ends within `within` seconds of that signal, even if a connection hangs, and immediately at a second
    signal. Unfinished work is stored, and the next start resumes it.
    """
    run_async(_cancel_on_signal(work, within))


async def _cancel_on_signal(work: Coroutine[Any, Any, None], within: float) -> None:
    import asyncio
    import contextlib
    import logging
    import os
    import signal

    from beseda.config.watchdog import read_watchdog
    from beseda.core.watchdog import keep_watchdog

    loop = asyncio.get_running_loop()
    task = loop.create_task(work)
    received: list[int] = []

    def stop(kind: int) -> None:
        if received:
            os._exit(128 + kind)
        received.append(kind)
        logging.getLogger(__name__).info("stopping; a second signal does not wait for work in progress")
        task.cancel()
        _end_process_after(within)

    for kind in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C alone, as Python has it
            loop.add_signal_handler(kind, stop, kind)
    watchdog = read_watchdog()
    notifier = loop.create_task(keep_watchdog(watchdog.address, watchdog.seconds)) if watchdog else None
    await asyncio.wait([task])
    if notifier is not None:
        notifier.cancel()
    if not (received and task.cancelled()):
        task.result()


def _end_process_after(seconds: float) -> None:
    """End this process in so many seconds, whatever it waits for by then.

    A thread does it, since asyncio waits without limit for its threads after the loop has ended, and each of them may
    hang in a call to a database.
    """
    import logging
    import os
    import threading

    def end() -> None:
        logging.getLogger(__name__).warning("not everything ended in %.1f s: the next start takes it up", seconds)
        logging.shutdown()
        os._exit(0)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
