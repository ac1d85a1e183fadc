"""Access to the panel: for a page of this origin, on this machine, with a token for a single use."""

import ipaddress
import secrets
from collections import OrderedDict
from urllib.parse import urlsplit

from starlette.requests import Request

_TOKENS_KEPT = 50  # a page asks for a new one with each look at the state


class OneTimeTokens:
    """Tokens that each allow one change; only the newest are kept."""

    def __init__(self) -> None:
        self._issued: OrderedDict[str, None] = OrderedDict()

    def issue(self) -> str:
        """Return a new token."""
        token = secrets.token_urlsafe(24)
        self._issued[token] = None
        while len(self._issued) > _TOKENS_KEPT:
            self._issued.popitem(last=False)
        return token

    def take(self, token: str) -> bool:
        """Return whether `token` was issued and not used yet; it cannot be used again."""
        return self._issued.pop(token, token) is None


def find_objection(request: Request) -> str:
    """Return the reason to reject a request, or an empty string if there is none.

    The check of the host name defeats DNS rebinding, that of the origin forms and scripts of other sites. A change
    needs the origin.
    """
    host = request.headers.get("host", "")
    client = request.client.host if request.client else ""
    if not (_is_here(_read_name(host)) and _is_here(client)):
        return "The panel answers on this machine only"
    site = request.headers.get("sec-fetch-site", "same-origin")
    if site not in {"same-origin", "none"}:
        return "Requests of another site are refused"
    origin = request.headers.get("origin")
    if request.method == "POST" and (origin is None or urlsplit(origin).netloc != host):
        return "Requests of another site are refused"
    return ""


def _read_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_here(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"
