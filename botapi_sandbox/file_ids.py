"""File ids in Telegram's format, and TDLib's error texts for invalid ones.

The order of the checks is that of `from_persistent_id` in FileManager.cpp and of `base64url_decode` in base64.cpp.
"""

from __future__ import annotations

import base64
import re
import secrets

# The version of the form, the last byte of an id; the byte before it is that of the version of TDLib.
_ENDING = b"\x36\x04"
_VERSIONS = frozenset({2, 3, 4})
_GENERATED = 3
_RANDOM_BYTES = 33
_KIND_BYTES = 2
_ALPHABET = re.compile(r"[A-Za-z0-9_-]*")
_WRONG = "wrong remote file identifier specified: "


def make_file_id(kind: str) -> str:
    """An id that no file has yet."""
    data = kind[:_KIND_BYTES].encode() + secrets.token_bytes(_RANDOM_BYTES) + _ENDING
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def describe_fault(file_id: str) -> str:
    """Return the fault of an id, or an empty string if its format is valid, though the file may be gone or another
    bot's.
    """
    text = file_id.rstrip("=")
    fault = _find_length_fault(text, len(file_id) - len(text))
    if not fault:
        fault = _find_fault(text) if _ALPHABET.fullmatch(text) else "Wrong character in the string"
    return _WRONG + fault if fault else ""


def _find_fault(text: str) -> str:
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if base64.urlsafe_b64encode(data).decode().rstrip("=") != text:
        return "Wrong padding in the string"
    if not data or data[-1] not in _VERSIONS:
        return "can't unserialize it. Wrong last symbol"
    is_whole = data[-1] != _GENERATED and len(data) == _KIND_BYTES + _RANDOM_BYTES + len(_ENDING)
    return "" if is_whole else "can't unserialize it"


def _find_length_fault(text: str, padding: int) -> str:
    if padding >= 3:
        return "Wrong string padding"
    if padding and (len(text) + padding) % 4:
        return "Wrong padding length"
    return "Wrong string length" if len(text) % 4 == 1 else ""
