"""Markdown in the small: putting somebody's words into it without their being read as formatting."""

import re

_SPECIAL = re.compile(r"[^\w\s.,!?;:'\"—–-]|_")


def literal(text: str) -> str:
    """Return Markdown that shows `text` as it is: what could be formatting becomes a character reference."""
    return _SPECIAL.sub(lambda match: f"&#{ord(match.group())};", text)


def italic(text: str) -> str:
    """Return Markdown that shows `text` in italics, as one paragraph."""
    return f"<i>{literal(' '.join(text.split()))}</i>"
