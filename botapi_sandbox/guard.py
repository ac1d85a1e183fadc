"""The sandbox is for this machine only: a page of another site must not read chats or write in them."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from starlette.requests import Request

_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_SAFE_METHODS = frozenset({"GET", "HEAD"})

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
        "connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def find_objection(request: Request) -> str | None:
    """Why a request to the user side is refused, or None.

    The Host check defeats DNS rebinding; the Origin check defeats forms and scripts of other sites.
    """
    host = request.headers.get("host", "")
    if _get_name(host) not in _LOCAL_NAMES:
        return "The sandbox answers on localhost only"
    if request.method in _SAFE_METHODS:
        return None
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != host:
        return "Requests from another site are refused"
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return "Requests from another site are refused"
    return None


def find_bot_side_objection(request: Request) -> str | None:
    """Why a call of the bot side is refused, or None: browsers are, because tokens of a sandbox are no secret.

    A name with a dot may be a foreign one bound to this machine; addresses and container names are not.
    """
    headers = request.headers
    if "origin" in headers or headers.get("sec-fetch-site", "none") != "none":
        return "Forbidden: browsers cannot call the sandbox's bot side"
    name = _get_name(headers.get("host", "")) or ""
    if name in _LOCAL_NAMES or "." not in name or name.endswith((".localhost", ".internal")):
        return None
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return "Forbidden: the sandbox answers under local names only"
    return None


def _get_name(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
