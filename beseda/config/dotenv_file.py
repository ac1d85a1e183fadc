"""Reads `.env`, names each line of it that would otherwise be ignored in silence, and sets variables in it."""

import io
import os
import re
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path

from dotenv.parser import Binding, parse_stream

from beseda.core.errors import SettingsError

# What a shell would take off or execute, and other readers of the file keep.
_COMMENT = re.compile(r"\s#")
_COMMAND = re.compile(r"\$\(|`")


def read_dotenv(path: Path, known: Collection[str]) -> tuple[dict[str, str], list[str]]:
    """Return the values of a file and its problems, a line each; `known` are the names of settings.

    Raises SettingsError for a file that is no text.
    """
    if path.is_dir():
        raise SettingsError(f"{path} is a folder: it must be a file with lines like NAME=value")
    if not path.is_file():
        return {}, []
    try:
        text = path.read_text(encoding="utf-8-sig")  # Notepad begins files with a byte order mark
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not UTF-8 text: byte {error.start + 1} makes no sense") from error
    values: dict[str, str] = {}
    problems = []
    for binding in parse_stream(io.StringIO(text)):
        if problem := _find_problem(binding, known):
            # The parser counts from the blank lines before an entry.
            line = binding.original.line + _leading_blanks(binding.original.string).count("\n")
            problems.append(f"{path}, line {line}: {problem}")
        elif binding.key is not None and binding.value is not None:
            values[binding.key] = binding.value
    return values, problems


def write_dotenv(path: Path, values: Mapping[str, str]) -> None:
    """Set variables in a file that may be new: other lines stay, the owner alone may read it, and a crash leaves the
    old file or the new one.
    """
    target = path.resolve()  # a link stays a link
    text = target.read_text(encoding="utf-8-sig") if target.is_file() else ""
    kept = "".join(
        # An entry begins with the blank lines before it.
        entry.original.string if entry.key not in values else _leading_blanks(entry.original.string)
        for entry in parse_stream(io.StringIO(text))
    )
    if kept and not kept.endswith("\n"):
        kept += "\n"
    kept += "".join(f"{name}={value}\n" for name, value in values.items())
    descriptor, part = tempfile.mkstemp(dir=target.parent, prefix=".env.")  # mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(kept)
            file.flush()
            os.fsync(file.fileno())
        Path(part).replace(target)  # in one step: a crash leaves one file or the other
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise


def _leading_blanks(text: str) -> str:
    return text[: len(text) - len(text.lstrip())]


def _find_problem(binding: Binding, known: Collection[str]) -> str:
    """Return the problem of an entry, or an empty string. The entry is not repeated, because it may be a secret."""
    if binding.error or (binding.key is not None and binding.value is None):
        return "this cannot be read; write NAME=value, with quotation marks closed and comments on lines of their own"
    key = binding.key or ""
    if key not in known and key.upper() in known:
        return f"write {key.upper()} in capitals"
    return ""


def find_slip(value: str, *, secret: bool) -> str:
    """Return a sentence about shell syntax in a value that other readers keep literally; empty if there is none."""
    if _COMMENT.search(value):
        return "the value holds a comment, which systemd and Docker do not take off; put it on a line of its own"
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return "the value stands in quotation marks, which `docker --env-file` keeps; take them off"
    if secret and _COMMAND.search(value):
        return "the value is a command, and nothing runs it here; put in what it prints"
    return ""
