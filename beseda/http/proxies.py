"""The proxy that the environment asks for: http_proxy, https_proxy, all_proxy and no_proxy, in either case."""

import base64
import ipaddress
import urllib.request
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from beseda.core.errors import SettingsError

_USUAL_PORTS = {"http": 80, "https": 443}


class Proxy(NamedTuple):
    """The address of a proxy and the headers it wants; no address means a direct connection."""

    address: str | None = None
    headers: Mapping[str, str] | None = None


def find_proxy(address: str) -> Proxy:
    """Return the proxy for requests to `address`. This machine is always reached directly.

    Raises SettingsError, with the name of the variable, for a proxy that cannot be used: a connection past it would
    show a key, or a person's words, to a network that the owner wanted to keep them from.
    """
    target = urlsplit(address)
    if is_this_machine(target.hostname or "") or _is_excepted(target):
        return Proxy()
    known = urllib.request.getproxies()
    scheme = target.scheme if known.get(target.scheme) else "all"
    return _read(f"{scheme}_proxy".upper(), known[scheme]) if known.get(scheme) else Proxy()


def _read(variable: str, text: str) -> Proxy:
    """Return the proxy of a variable; an address without a scheme is of HTTP, as curl has it."""
    try:
        proxy = urlsplit(text if "://" in text else f"http://{text}")
        host, _ = proxy.hostname, proxy.port
    except ValueError:
        proxy, host = SplitResult("", "", "", "", ""), None
    if proxy.scheme.startswith("socks"):
        raise SettingsError(
            f"{variable}: SOCKS proxies are not supported; give the http:// address of a proxy, "
            "or name in NO_PROXY the hosts to be reached without one"
        )
    if proxy.scheme not in {"http", "https"} or not host:
        raise SettingsError(f"{variable}: this is not the address of a proxy; give one like http://host:3128")
    bare = f"{proxy.scheme}://{proxy.netloc.rpartition('@')[2]}"
    if proxy.username is None:
        return Proxy(bare)
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return Proxy(bare, {"Proxy-Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"})


def _is_excepted(target: SplitResult) -> bool:
    """Return whether no_proxy names a host, with or without its port, or a network that its address lies in."""
    host = target.hostname or ""
    place = f"[{host}]" if ":" in host else host
    port = target.port or _USUAL_PORTS.get(target.scheme, 0)
    return bool(urllib.request.proxy_bypass(f"{place}:{port}")) or _is_in_excepted_network(host)


def _is_in_excepted_network(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    for entry in urllib.request.getproxies().get("no", "").split(","):
        try:
            if address in ipaddress.ip_network(entry.strip().strip("[]"), strict=False):
                return True
        except ValueError:
            continue  # the name of a host
    return False


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
