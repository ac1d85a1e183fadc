"""HTTP sessions of the sandbox: this machine is reached directly, any other through the proxy of the environment."""

import ipaddress
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp


def open_session(url: str, **options: Any) -> aiohttp.ClientSession:
    """Return a session for requests to the host of `url`. It keeps no cookies."""
    return aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), proxy=_find_proxy(url), **options)


def _find_proxy(url: str) -> str | None:
    # aiohttp's own `trust_env` asks the proxy for this machine, too, and goes past a proxy that it cannot use.
    parts = urlsplit(url)
    if is_loopback(url) or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    proxies = getproxies()
    address = proxies.get(parts.scheme) or proxies.get("all")
    return f"http://{address}" if address and "://" not in address else address


def is_loopback(url: str) -> bool:
    """Return whether a URL is one of this machine."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
