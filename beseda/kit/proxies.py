"""The proxy that the environment asks for, looked up once: HTTP libraries do it anew for each request."""

import base64
import ipaddress
import urllib.request
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote, urlsplit


class Proxy(NamedTuple):
    """Where requests go through, and the headers the proxy wants; no address means straight."""

    address: str | None = None
    headers: Mapping[str, str] | None = None


def find_proxy(address: str) -> Proxy:
    """Return the proxy for requests to `address`: http_proxy, https_proxy, all_proxy and no_proxy are obeyed.

    This machine is always reached straight.
    """
    target = urlsplit(address)
    host = target.hostname or ""
    if is_this_machine(host) or urllib.request.proxy_bypass(host):
        return Proxy()
    known = urllib.request.getproxies()
    found = known.get(target.scheme) or known.get("all") or ""
    proxy = urlsplit(found)
    if proxy.scheme not in {"http", "https"} or not proxy.hostname:
        return Proxy()
    bare = f"{proxy.scheme}://{proxy.netloc.rpartition('@')[2]}"
    if proxy.username is None:
        return Proxy(bare)
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return Proxy(bare, {"Proxy-Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"})


def is_near(host: str) -> bool:
    """Return whether a host is in the private network: a private address, or a name without dots."""
    if is_this_machine(host) or host.endswith((".local", ".internal", ".lan")):
        return True
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host


def is_this_machine(host: str) -> bool:
    """Return whether a host name or address is loopback."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
