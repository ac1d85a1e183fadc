"""Output for programs: bytes in UTF-8, whatever the terminal's encoding can show."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import orjson

if TYPE_CHECKING:
    from beseda.config import Settings


def print_json(value: object, *, options: int = 0) -> None:
    """Print a value as indented JSON; `options` are orjson's."""
    print_text(orjson.dumps(value, option=orjson.OPT_INDENT_2 | options).decode())


def print_start_line(settings: "Settings", text: str) -> None:
    """Print a line about a service's start to stdout. It is JSON if the log is JSON, so that one parser reads both."""
    from beseda.core.logs import render_json_line

    print_text(render_json_line(text) if settings.log_format == "json" else text)


def print_text(text: str) -> None:
    """Print a text and a line end. A pipe or a file gets UTF-8; a terminal gets the characters that it can show."""
    stream: TextIO | None = sys.stdout  # None if the shell has closed it
    if stream is None:
        return
    if stream.isatty():
        stream.write(f"{text}\n")
        stream.flush()
        return
    stream.flush()
    stream.buffer.write(f"{text}\n".encode("utf-8", "replace"))
    stream.buffer.flush()


def show_path(path: Path) -> str:
    """Return a path as text; bytes of a file's name that are no text become replacement characters."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
