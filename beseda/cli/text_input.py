"""Text from files and stdin: UTF-8, or the encoding that its bytes and the locale show."""

import locale
import os
import select
import sys
from pathlib import Path
from typing import BinaryIO, TextIO

from beseda.core.errors import InputError, SettingsError

_LONGEST = 4 * 1024 * 1024  # bytes: more than any model reads
_FIRST_BYTE = 5.0  # seconds: CI and cron leave stdin open without writing to it
STDIN = Path("-")


class StandardInput:
    """stdin, which may be a terminal, closed, empty or, under CI and cron, open without an end."""

    def __init__(self) -> None:
        self._stream: TextIO | None = sys.stdin  # None if the shell has closed it
        self._given_up = False

    @property
    def is_there(self) -> bool:
        """Whether a pipe or a file stands in the place of the keyboard."""
        return self._stream is not None and not self._stream.isatty()

    def read(self) -> str:
        """Return all of the input. Raises SettingsError for more than 4 MB and for input that is not text."""
        assert self._stream is not None  # noqa: S101 - callers look at `is_there`
        return read_text(self._stream.buffer, "stdin")

    def read_beside(self) -> str:
        """Return the text that accompanies an instruction; empty if no first byte arrives within five seconds."""
        if not self.is_there:
            return ""
        if not self._is_ready(_FIRST_BYTE):
            self._given_up = True
            return ""
        return self.read()

    def refuse_late(self) -> None:
        """Raise InputError for input that came after `read_beside` had given up: the answer knows nothing of it."""
        if self._given_up and self._is_ready(0) and self._stream is not None and os.read(self._stream.fileno(), 1):
            raise InputError(
                f"the text on stdin came more than {_FIRST_BYTE:.0f} s late and was not sent: "
                "give --file - to wait for it"
            )

    def _is_ready(self, seconds: float) -> bool:
        assert self._stream is not None  # noqa: S101 - as above
        try:
            return bool(select.select([self._stream], [], [], seconds)[0])
        except (OSError, ValueError):  # Windows selects sockets only
            return True


def read_file(path: Path) -> str:
    """Return the text of a file. Raises SettingsError."""
    try:
        with path.open("rb") as file:
            return read_text(file, str(path))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from error


def read_text(source: BinaryIO, name: str) -> str:
    """Return the text of at most 4 MB, its lines ended as on Unix. Raises SettingsError."""
    content = source.read(_LONGEST + 1)
    if len(content) > _LONGEST:
        raise SettingsError(f"{name} is over 4 MB: no model reads that much")
    text = _decode(content)
    if text is None:
        raise SettingsError(f"{name} is not UTF-8 text: byte {_find_fault(content)} makes no sense")
    return text.replace("\r\n", "\n")


def decode_line(content: bytes) -> str:
    """Return a line of a pipe; bytes that are no text become replacement characters."""
    text = _decode(content)
    return content.decode("utf-8", "replace") if text is None else text


def _decode(content: bytes) -> str | None:
    """Return the text of bytes in UTF-8, in the encoding of the locale, or evidently in UTF-16 or Windows-1251."""
    for encoding in ("utf-8-sig", locale.getencoding()):
        try:
            return content.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    from beseda.core.errors import TextTooLongError, UnreadableTextError
    from beseda.features.minutes import read_text as guess_text

    try:
        return guess_text(content)
    except (UnreadableTextError, TextTooLongError):
        return None


def _find_fault(content: bytes) -> int:
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return error.start + 1
    return 1
