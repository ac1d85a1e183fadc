"""The one place that opens sessions of aiohttp: their requests take the proxy that the environment asks for."""

import os
from functools import lru_cache
from typing import Any

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from beseda.http.proxies import find_proxy

_ORIGINS = 1024  # remembered by a session: receivers of webhooks may be many


def open_session(**options: Any) -> aiohttp.ClientSession:
    """Return a session that takes the options of `aiohttp.ClientSession`. It keeps no cookies.

    Its requests raise SettingsError for a proxy of the environment that cannot be used.
    """
    return aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), middlewares=[_ProxyRouter()], **options)


def describe_os_error(error: OSError) -> str:
    """Return the reason of a failed connection, without the address that asyncio writes into it."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else type(error).__name__


def describe_proxy_failure(error: aiohttp.ClientProxyConnectionError | aiohttp.ClientHttpProxyError) -> str:
    """Return the fault of the proxy in a few words, without its password."""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy of the environment refused it: HTTP {error.status}"
    reason = describe_os_error(error.os_error)
    return f"no connection to the proxy of the environment, {error.host}:{error.port}: {reason}"


class _ProxyRouter:
    """Sets the proxy of each request, looked up once for an origin.

    aiohttp's own `trust_env` looks it up in a thread at every request, reads `.netrc`, and ignores SOCKS silently.
    """

    def __init__(self) -> None:
        self._find_proxy = lru_cache(maxsize=_ORIGINS)(find_proxy)

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        proxy = self._find_proxy(str(request.url.origin()))
        if proxy.address is not None:
            headers = CIMultiDict(proxy.headers or {})
            request.update_proxy(URL(proxy.address), None, headers)
            if not request.is_ssl():
                request.headers.update(headers)  # without a tunnel, the proxy reads the request itself
        return await handler(request)
