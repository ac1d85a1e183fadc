"""Text files sent by users: detects the encoding and rejects files that are not text."""

import re
from typing import Final

from beseda.core.errors import TextTooLongError, UnreadableTextError

MAX_TEXT_BYTES: Final = 4_000_000
_MAX_CHARACTERS = 1_000_000
# The longer mark first: UTF-32's begins like UTF-16's.
_MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_LAYOUT = "\t\n\r\f\v"
_CYRILLIC_MARKS = "«»—–…№“”„’‘•°§\u00a0"
# German or French, read as Windows-1251, has words of both alphabets.
_MIXED = re.compile("[A-Za-z][\u0400-\u04ff]|[\u0400-\u04ff][A-Za-z]")
_MANY, _FEW = 0.7, 0.3  # shares of bytes
_SAMPLE = 4096  # bytes that are looked at for an encoding


def read_text(content: bytes) -> str:
    """Return the text of a file with uniform line ends.

    Raises `UnreadableTextError` for a file that is empty, binary or in an unknown encoding, and `TextTooLongError`.
    """
    if len(content) > MAX_TEXT_BYTES:
        raise TextTooLongError(f"{len(content)} bytes")
    text = _decode(content).replace("\r\n", "\n").replace("\r", "\n").strip()
    controls = sum(character < " " and character not in _LAYOUT for character in text)
    if not text or controls or text.startswith("{\\rtf") or "\ufffd" in text:
        raise UnreadableTextError(f"{len(content)} bytes, {controls} control characters")
    if len(text) > _MAX_CHARACTERS:
        raise TextTooLongError(f"{len(text)} characters")
    return text


def _decode(content: bytes) -> str:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _strictly(content, encoding)
    if encoding := _guess_wide(content):
        return _strictly(content, encoding)
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        if error.start >= len(content) - 3 and error.reason == "unexpected end of data":
            return content[: error.start].decode()  # cut in the middle of a letter
    text = _strictly(content, "cp1251")
    if not _is_cyrillic(text):
        raise UnreadableTextError("neither UTF-8, UTF-16 nor Windows-1251")
    return text


def _strictly(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise UnreadableTextError(f"not {encoding}: {error.reason} at {error.start}") from error


def _guess_wide(content: bytes) -> str:
    """Return UTF-16 without a mark: every other byte is then 0 (Latin) or 4 (Cyrillic)."""
    sample = content[:_SAMPLE]
    if len(content) % 2 or len(sample) < 4:
        return ""
    even, odd = (sum(byte in (0, 4) for byte in sample[start::2]) / (len(sample) // 2) for start in (0, 1))
    if max(even, odd) < _MANY or min(even, odd) > _FEW:
        return ""
    return "utf-16-le" if odd > even else "utf-16-be"


def _is_cyrillic(text: str) -> bool:
    """Return whether the characters beyond ASCII are Russian prose; other encodings give a random mixture."""
    foreign = [character for character in text if character > "\x7f"]
    letters = [character for character in foreign if "\u0400" <= character <= "\u04ff"]
    known = len(letters) + sum(character in _CYRILLIC_MARKS for character in foreign)
    small = sum(character.islower() for character in letters)
    # In KOI8-R, read as this, capitals and small letters change places.
    return known >= 0.9 * len(foreign) and small >= len(letters) / 2 and len(_MIXED.findall(text)) <= len(letters) / 10
