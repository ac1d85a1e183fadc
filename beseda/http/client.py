"""The HTTP client: connections kept, names cached, everything bounded in time and size, failures as our errors."""

import asyncio
import os
import ssl
from collections.abc import AsyncGenerator, AsyncIterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Self

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from beseda.core.errors import (
    NO_CONNECTION,
    ProtocolError,
    RemoteError,
    TimedOutError,
    UnansweredError,
    UnavailableError,
)
from beseda.http.proxies import find_proxy

MAX_BODY_BYTES = 8 * 1024 * 1024

# A waiting answer holds a connection, so aiohttp's default of 100 would queue the 101st conversation in silence.
_CONNECTIONS = 4096
_DNS_SECONDS = 300
_IDLE_CONNECTION_SECONDS = 60.0
# Servers close kept connections when they like, some after each stream without a word. aiohttp repeats a GET only.
_STALE_CONNECTIONS = 2
# A connection that was closed while it was idle fails at once; later the server has begun to work on the request.
_STALE_SECONDS = 1.0


Body = bytes | aiohttp.FormData | AsyncIterable[bytes] | None


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request. Times are in seconds: `connect` for a connection, `wait` in all, `idle` between two reads.

    Redirects are not followed unless `redirects` is set: a key goes to no other host than the one in the settings, and
    an upload does not become a GET.
    """

    method: str
    url: URL
    body: Body = None
    headers: Mapping[str, str] = field(default_factory=dict)
    wait: float | None = None
    connect: float | None = None
    idle: float | None = None
    redirects: bool = False


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A whole answer that fitted the bound."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Trust:
    """The trusted certificates, and a hint for a certificate that is not trusted."""

    context: ssl.SSLContext | None = None
    hint: str = ""


@dataclass(slots=True)
class _Use:
    """One request's use of a connection; `reused` is one that was kept from an earlier request."""

    began: float
    reused: bool = False

    def was_stale(self) -> bool:
        """Return whether a failure by now means that the server had closed the connection before the request."""
        return self.reused and asyncio.get_running_loop().time() - self.began < _STALE_SECONDS


async def _note_reuse(_: aiohttp.ClientSession, context: Any, __: aiohttp.TraceConnectionReuseconnParams) -> None:
    context.trace_request_ctx.reused = True


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


class _Pool:
    """The connections of a client and of all its views."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    def open(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            connector = aiohttp.TCPConnector(
                limit=count_connections(), ttl_dns_cache=_DNS_SECONDS, keepalive_timeout=_IDLE_CONNECTION_SECONDS
            )
            trace = aiohttp.TraceConfig()
            trace.on_connection_reuseconn.append(_note_reuse)
            self._session = open_session(connector=connector, trace_configs=[trace])
        return self._session

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()


class HttpClient:
    """A pool of connections, opened at the first request and shared by its users. Closed, it opens again when used.

    Proxies come from the usual variables of the environment, and never stand between us and this machine. All methods
    raise UnavailableError, UnansweredError, TimedOutError or ProtocolError, without the name of an endpoint, which only
    the caller knows.
    """

    def __init__(self) -> None:
        self._pool = _Pool()
        self._trust = Trust()

    def with_trust(self, trust: Trust) -> "HttpClient":
        """Return a view of this client that trusts other certificates. The connections still belong to this client."""
        view = HttpClient()
        view._pool, view._trust = self._pool, trust
        return view

    async def open(self, request: HttpRequest) -> aiohttp.ClientResponse:
        """Return the response, its headers read within `wait` seconds. The caller reads its body and closes it."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=request.connect)
        try:
            async with asyncio.timeout(request.wait):
                return await self._request(request, timeout)
        except (aiohttp.ClientError, OSError, ValueError) as error:  # TimeoutError is an OSError
            raise describe_failure(error, request, self._trust.hint) from error

    @asynccontextmanager
    async def exchange(self, request: HttpRequest) -> AsyncGenerator[aiohttp.ClientResponse, None]:
        """Open the response; it must be read within the block, and `wait` counts until its end."""
        timeout = aiohttp.ClientTimeout(total=request.wait, sock_connect=request.connect, sock_read=request.idle)
        try:
            response = await self._request(request, timeout)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise describe_failure(error, request, self._trust.hint) from error
        try:
            async with response:
                yield response
        except (aiohttp.ClientError, TimeoutError) as error:  # other errors of the system are the block's own
            raise describe_failure(error, request, self._trust.hint) from error

    async def send(self, request: HttpRequest, *, limit: int = MAX_BODY_BYTES) -> HttpAnswer:
        """Return the whole answer, of at most `limit` bytes, within `wait` seconds."""
        async with self.exchange(request) as response:
            return HttpAnswer(response.status, response.headers, await read_bounded(response, limit))

    async def get(self, url: URL, headers: Mapping[str, str] = MappingProxyType({}), *, wait: float) -> HttpAnswer:
        """Return the whole answer to a GET within `wait` seconds."""
        return await self.send(HttpRequest("GET", url, headers=headers, wait=wait))

    async def close(self) -> None:
        """Close every connection; the next request would open new ones."""
        await self._pool.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _request(self, request: HttpRequest, timeout: aiohttp.ClientTimeout) -> aiohttp.ClientResponse:
        """Send a request. Retry only if the reused connection turns out to be closed.

        On a new connection a request may have had its effect although no answer came. A body that is read while it is
        sent cannot be sent again.
        """
        repeats = _STALE_CONNECTIONS if request.body is None or isinstance(request.body, bytes) else 0
        for left in reversed(range(repeats + 1)):
            use = _Use(asyncio.get_running_loop().time())
            try:
                return await self._pool.open().request(
                    request.method,
                    request.url,
                    data=request.body,
                    headers=request.headers,
                    timeout=timeout,
                    allow_redirects=request.redirects,
                    ssl=self._trust.context or True,
                    trace_request_ctx=use,
                )
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
                if isinstance(error, aiohttp.ClientConnectorError) or not left or not use.was_stale():
                    raise
        raise AssertionError("the last try returns or raises")


async def read_bounded(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """Return the body. Raises ProtocolError as soon as it is longer than `limit` bytes."""
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > limit:
            response.close()
            raise ProtocolError(f"{response.url.host}: an answer of more than {limit} bytes")
        parts.append(part)
    return b"".join(parts)


def describe_failure(error: BaseException, request: HttpRequest, hint: str = "") -> RemoteError:
    """Return our error for one of aiohttp's; `hint` is about certificates."""
    url = request.url
    place = f"{url.host}:{url.port}"
    if isinstance(error, TimeoutError):
        return TimedOutError(f"{place}: no answer within {request.wait or request.idle or 0:g} s")
    if isinstance(error, aiohttp.ClientProxyConnectionError | aiohttp.ClientHttpProxyError):
        return UnavailableError(f"{place}: {describe_proxy_failure(error)}")
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ClientConnectorCertificateError):
        # A fault of names or certificates is not a server that is down, and has no code.
        code = NO_CONNECTION if type(error) is aiohttp.ClientConnectorError else ""
        return UnavailableError(f"{place}: {_describe_connecting(error, hint)}", code=code)
    if isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError):
        return UnansweredError(f"{place}: the connection ended without an answer: {error or type(error).__name__}")
    if isinstance(error, aiohttp.ClientResponseError | ValueError):
        return ProtocolError(f"{place}: not an HTTP answer: {type(error).__name__}")
    return UnavailableError(f"{place}: {error or type(error).__name__}")


def _describe_connecting(
    error: aiohttp.ClientConnectorError | aiohttp.ClientConnectorCertificateError, hint: str
) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        bundle = ssl.get_default_verify_paths().cafile or "the system's"
        hint = hint or f"for an authority of your own set SSL_CERT_FILE to its bundle (trusted now: {bundle})"
        return f"the TLS certificate is not trusted: {error.certificate_error}; {hint}"
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return f"no TLS connection: {error}; is it https:// where http:// is spoken?"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "no address is known for this name"
    return f"no connection: {describe_os_error(error.os_error)}"


def count_connections() -> int:
    """Return how many connections may be open: half of the files that this process may open, at most 4,096."""
    try:
        import resource  # noqa: PLC0415 - not on every system
    except ImportError:
        return _CONNECTIONS
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return _CONNECTIONS if files == resource.RLIM_INFINITY else max(64, min(_CONNECTIONS, files // 2))
