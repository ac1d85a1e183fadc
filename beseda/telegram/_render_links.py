"""Which addresses Telegram makes a link of; it silently forgets the others."""

from __future__ import annotations

import re
from urllib.parse import unquote

_LABEL = r"[^\W_](?:[\w-]*[^\W_])?"
_HTTP = re.compile(
    rf"https?://(?:{_LABEL}\.)+[^\W\d_][\w-]*[^\W_](?::(\d{{1,5}}))?(?:[/?#][^\s<>\"\\]*)?", re.IGNORECASE
)
_TELEGRAM = re.compile(r"tg://user\?id=[1-9]\d{0,15}|tg://[a-z_]{2,40}(?:\?[\w=&%.~+-]*)?", re.IGNORECASE)
_BARE_HOST = re.compile(
    r"(?:www\.|t\.me/|(?:[a-z0-9-]+\.)+(?:com|org|net|ru|io|dev|ai|app|me|info|edu|gov|eu|uk|de)(?:[/?#]|$))",
    re.IGNORECASE,
)
_EMOJI_ID = re.compile(r"[1-9]\d{0,18}")
_MAX_EMOJI_ID = 2**63 - 1
_MAX_PORT = 65535
_MAX_URL = 2048


def link_target(href: str) -> str:
    """Return the address to give to Telegram, or an empty string if it would not become a link."""
    if _BARE_HOST.match(href):
        href = f"https://{href}"
    if len(href) > _MAX_URL:
        return ""
    if match := _HTTP.fullmatch(href):
        port = match[1]
        return href if port is None or 0 < int(port) <= _MAX_PORT else ""
    return href if _TELEGRAM.fullmatch(href) else ""


def readable_target(href: str) -> str:
    """How an address that is no link is shown behind its text; an anchor inside a page is not shown."""
    if href.startswith("#"):
        return ""
    return unquote(href.removeprefix("mailto:").removeprefix("tel:"), errors="replace")


def is_emoji_id(value: str) -> bool:
    """Whether it can be the number of a custom emoji; Telegram refuses the whole message otherwise."""
    return _EMOJI_ID.fullmatch(value) is not None and int(value) <= _MAX_EMOJI_ID
