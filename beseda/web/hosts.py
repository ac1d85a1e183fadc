"""Host names under which the open pages of this server answer.

A page of another site can bind its own name to 127.0.0.1 (DNS rebinding) and then reads the pages that this machine
serves without a key. It always sends that name in `Host`, a public name with a dot.
"""

import ipaddress
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from beseda.web.problems import show_problem

# Names that no public registry gives out: https://www.iana.org/assignments/special-use-domain-names and `.internal`.
_PRIVATE = (".localhost", ".local", ".internal", ".test", ".home.arpa")
_MISDIRECTED = 421
# What needs a key, a secret or a check of its own is not read by a page of another site.
_GUARDED = ("/api/", "/telegram/", "/sandbox", "/bot", "/file/")


class HostGuard:
    """Refuses requests for the open pages (health, metrics, documents) under a foreign name. Plain ASGI."""

    def __init__(self, app: ASGIApp, names: Iterable[str] = ()) -> None:
        """`names` are public names of this server, such as that of a proxy in front of it; `*` allows all."""
        self._app = app
        self._names = {name.lower().rstrip(".") for name in names} | {socket.gethostname().lower()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(_GUARDED):
            await self._app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1")
        name = read_name(given)
        if name is not None and self._is_known(name):
            await self._app(scope, receive, send)
            return
        detail = "This is no name of this server. If it is one, put it into BESEDA_HOSTS."
        await show_problem(_MISDIRECTED, detail)(scope, receive, send)

    def _is_known(self, name: str) -> bool:
        if "*" in self._names or name in self._names or "." not in name or name.endswith(_PRIVATE):
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


def read_name(host: str) -> str | None:
    """Return the name or address in a `Host` header without its port, in lower case, or None if there is none."""
    try:
        return urlsplit(f"//{host}").hostname if host else None
    except ValueError:
        return None
