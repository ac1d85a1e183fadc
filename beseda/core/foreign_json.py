"""Tolerant reading of JSON written by other programs, which is not always valid."""

import codecs
import json
import re
from typing import Any

import orjson

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def load_json(body: bytes, *, keep_surrogates: bool = False) -> Any:
    """Return the value in `body`. Raises ValueError if even a tolerant parser finds none.

    Beyond the standard a byte order mark, UTF-16, broken UTF-8, NaN and Infinity (as None), control characters in
    strings and unpaired surrogates are accepted. An unpaired surrogate becomes U+FFFD; with `keep_surrogates` it stays,
    for a caller that joins it with the next piece of text.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        fault = error
    try:
        text = _decode(bytes(body))
        found = json.loads(text, strict=False, parse_constant=lambda _: None)
        return found if keep_surrogates else mend_value(found)
    except (ValueError, RecursionError):
        raise ValueError(f"not JSON: {fault}") from None


def has_surrogates(text: str) -> bool:
    """Return whether `text` contains surrogates, which no encoding accepts."""
    return not text.isascii() and _LONE_SURROGATE.search(text) is not None


def join_surrogates(text: str) -> str:
    """Return `text` with surrogate pairs joined to one character, and unpaired surrogates replaced by U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if has_surrogates(text) else text


def _decode(body: bytes) -> str:
    if body.startswith(codecs.BOM_UTF8):
        return body.decode("utf-8-sig", "replace")
    return body.decode(json.detect_encoding(body), "replace")


def mend_value(value: Any) -> Any:
    """Return the value with all strings encodable and infinite numbers replaced by None."""
    if isinstance(value, str):
        return join_surrogates(value)
    if isinstance(value, list):
        return [mend_value(item) for item in value]
    if isinstance(value, dict):
        return {join_surrogates(key): mend_value(item) for key, item in value.items()}
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return None  # "1e400" is read so
    return value
