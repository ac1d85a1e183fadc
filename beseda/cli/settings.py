"""From flags to settings and to a log that keeps secrets."""

from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from beseda.config import Settings

T = TypeVar("T")

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="Another settings file than ./config.yaml.", show_default=False)
]


def read_settings(config: Path | None = None, **flags: object) -> "Settings":
    """Return the settings with these flags above them; their secrets are kept out of the log from here on.

    Raises SettingsError.
    """
    from beseda.config import load_settings
    from beseda.logs import redact, setup_logging

    settings = load_settings(config, flags)
    setup_logging(settings.log_level.upper(), json=settings.log_format == "json")
    for secret in settings.secrets():
        redact(secret)
    return settings


def run_async(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the fastest event loop there is for this system."""
    import asyncio

    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    return uvloop.run(main)
