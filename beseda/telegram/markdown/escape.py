"""Helpers that insert text into Markdown without interpreting it as formatting."""

import re

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})(.*)$", re.MULTILINE)
_SPECIAL = re.compile(r"[^\w\s.,!?;:'\"—–-]|_")


def literal(text: str) -> str:
    """Return Markdown that shows `text` as it is: possible formatting becomes character references."""
    return _SPECIAL.sub(lambda match: f"&#{ord(match.group())};", text)


def italic(text: str) -> str:
    """Return Markdown that shows `text` in italics, as one paragraph."""
    return f"<i>{literal(' '.join(text.split()))}</i>"


def close_code(text: str) -> str:
    """Return `text` with its last block of code ended, so that words put below it are not read as code."""
    fence = ""
    for mark, rest in _FENCE.findall(text):
        if not fence:
            fence = "" if mark[0] == "`" and "`" in rest else mark
        elif mark.startswith(fence) and not rest.strip():
            fence = ""
    return f"{text.rstrip()}\n{fence}" if fence else text
