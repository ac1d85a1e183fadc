"""Events over HTTP: to public addresses only, checked at the moment of connecting (protection against SSRF).

Without this check, a person that may set an address could make this machine send requests into its own network. A name
is resolved once, all its addresses are checked, and the connection goes to exactly these: a later change of the name
has no effect. Redirects are not followed, and no answer is read to its end.

Behind a proxy the proxy connects, so it must reject private addresses too (decision 0027): here a name is rejected if
it is known to resolve to one.
"""

import asyncio
import ipaddress
import logging
import socket
import ssl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import IPv4Address, IPv6Address

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from beseda.core.errors import SettingsError
from beseda.features.webhooks.base import Hook, HookResponse
from beseda.http.client import open_session
from beseda.http.proxies import find_proxy

log = logging.getLogger(__name__)

_SECONDS = 10.0
_LONGEST_URL = 2000
_LONGEST_WAIT = 6 * 3600.0
_NUMERIC = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
_LOOKUPS = 16  # names that are looked up at once: one that nobody answers for takes a thread for half a minute
# Of the public internet by what Python 3.11 knows, and yet a cloud's own agent, or nobody's to be reached at.
_NOT_PUBLIC = tuple(
    map(
        ipaddress.ip_network,
        ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "fec0::/10", "3fff::/20"),
    )
)
# NAT64 carries an IPv4 address in its last 32 bits (RFC 6052).
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class PrivateAddressError(OSError):
    """A name resolves to an address outside the public internet."""


class HttpSender:
    """Sends events with aiohttp; `allow_private` permits this machine, its network, and addresses without TLS."""

    def __init__(
        self, *, allow_private: bool = False, seconds: float = _SECONDS, resolver: AbstractResolver | None = None
    ) -> None:
        self._allow_private = allow_private
        self._seconds = seconds
        self._resolver = resolver or PatientResolver()
        self._checked = CheckedResolver(self._resolver, allow_private=allow_private)
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    def find_fault(self, url: str) -> str:
        """Return a sentence that describes why an address is rejected, or an empty string if it is allowed."""
        try:
            parsed = _read_url(url)
            host, port = parsed.raw_host, parsed.port
        except ValueError:
            return "This is no address."
        if parsed.scheme not in {"http", "https"} or not host or not port or len(url) > _LONGEST_URL:
            return "An address begins with https:// and a host, and has at most 2000 characters."
        if parsed.user is not None or parsed.password is not None or parsed.fragment:
            return "An address holds no password and no fragment."
        if self._allow_private:
            return ""
        if parsed.scheme != "https":
            return "Events go over https only."
        return "Events do not go to private addresses." if _is_private_host(host) else ""

    async def send(self, hook: Hook) -> HookResponse:
        """Send a request and return its result, by default within ten seconds (behind a proxy, twice that)."""
        fault = self.find_fault(hook.url)
        if fault:
            return HookResponse(None, fault)
        try:
            proxied = find_proxy(hook.url).address is not None
            if proxied:
                await self._check_name(_read_url(hook.url))
            async with self._open(proxied=proxied).post(
                hook.url, data=hook.body, headers=dict(hook.headers), allow_redirects=False
            ) as answer:
                return _judge(answer)  # of which the status and the headers are all that counts
        except SettingsError as error:
            return HookResponse(None, error.detail)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return HookResponse(None, _describe(error))

    async def close(self) -> None:
        """Close every connection."""
        sessions, self._sessions = list(self._sessions.values()), {}
        for session in sessions:
            await session.close()
        await self._resolver.close()

    async def _check_name(self, url: URL) -> None:
        """Raise PrivateAddressError for a name with a private address; behind a proxy not every name is known here."""
        try:
            async with asyncio.timeout(self._seconds):
                await self._checked.resolve(url.raw_host or "", url.port or 443)
        except PrivateAddressError:
            raise
        except OSError as error:  # TimeoutError is one, too
            log.debug("a receiver's name is left to the proxy: %s", type(error).__name__)

    def _open(self, *, proxied: bool) -> aiohttp.ClientSession:
        """Return the session for receivers; behind a proxy its name alone is resolved, and it may be private."""
        if proxied not in self._sessions:
            connector = aiohttp.TCPConnector(
                resolver=self._resolver if proxied else self._checked,
                use_dns_cache=False,
                limit=0,  # a slow receiver's connections are not to be waited for by others; waves are bounded
                force_close=True,
                ssl=ssl.create_default_context(),
            )
            self._sessions[proxied] = open_session(
                connector=connector, timeout=aiohttp.ClientTimeout(total=self._seconds), auto_decompress=False
            )
        return self._sessions[proxied]


class PatientResolver(AbstractResolver):
    """Resolves names in separate threads: slow lookups would block the event loop's threads, which read files."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_LOOKUPS, "webhook-names")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a name. Raises OSError if there are none."""
        look = partial(socket.getaddrinfo, host, port, family, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, look)
        return [
            ResolveResult(hostname=host, host=str(place[0]), port=port, family=kind, proto=proto, flags=_NUMERIC)
            for kind, _, proto, _, place in found
        ]

    async def close(self) -> None:
        """Stop resolving names."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class CheckedResolver(AbstractResolver):
    """Resolves names, and rejects those with an address that is not public."""

    def __init__(self, inner: AbstractResolver, *, allow_private: bool) -> None:
        self._inner = inner
        self._allow_private = allow_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a name. Raises PrivateAddressError, or OSError if there are none."""
        found = await self._inner.resolve(host, port, family)
        if not self._allow_private and not all(is_public(item["host"]) for item in found):
            raise PrivateAddressError("a private address")
        return found

    async def close(self) -> None:
        """Close the inner resolver."""
        await self._inner.close()


def _read_url(url: str) -> URL:
    """Return the parsed address. Raises ValueError for spaces or invisible characters, which URL() would repair."""
    if any(character.isspace() or not character.isprintable() for character in url):
        raise ValueError("spaces in an address")
    return URL(url)


def is_public(address: str) -> bool:
    """Return whether an IP address belongs to the public internet, including an address embedded in it."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(
        item.is_global
        and not item.is_multicast
        and not item.is_reserved
        and not any(item in network for network in _NOT_PUBLIC)
        for item in _unfold(found)
    )


def _unfold(address: IPv4Address | IPv6Address) -> Sequence[IPv4Address | IPv6Address]:
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address in _NAT64:
        return [IPv4Address(int(address) & 0xFFFFFFFF)]
    inner = [address.sixtofour, *(address.teredo or ())]
    return [address, *(item for item in inner if item is not None)]


def _is_private_host(host: str) -> bool:
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        # 127.1 and 2130706433 are addresses to a system, though not to us.
        return name.replace(".", "").isdigit()
    return not is_public(name)


def _judge(answer: aiohttp.ClientResponse) -> HookResponse:
    if 200 <= answer.status < 300:
        return HookResponse(answer.status)
    told = answer.headers.get("Retry-After", "")
    wait = min(float(told), _LONGEST_WAIT) if told.isascii() and told.isdigit() and len(told) < 10 else None
    kind = "redirects, which is not followed" if 300 <= answer.status < 400 else "refused"
    return HookResponse(answer.status, f"The receiver {kind}: {answer.status}.", wait)


# The first that fits: kinds of aiohttp's errors lie within each other.
_FAULTS: dict[type[Exception], str] = {
    asyncio.TimeoutError: "It did not answer in time.",
    aiohttp.ClientConnectorCertificateError: "Its certificate is not trusted.",
    aiohttp.ClientSSLError: "Its certificate is not trusted.",
    aiohttp.ClientHttpProxyError: "The proxy cannot reach it.",
    aiohttp.ClientProxyConnectionError: "The proxy cannot be connected to.",
    aiohttp.ClientConnectorDNSError: "Its name cannot be found.",
    aiohttp.ClientConnectorError: "It cannot be connected to.",
}


def _describe(error: Exception) -> str:
    """Return a description of the fault without the address, because its query may contain a secret."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, PrivateAddressError):
            return "Its name leads to a private address."
        cause = cause.__cause__ or getattr(cause, "os_error", None)
    return next((words for kind, words in _FAULTS.items() if isinstance(error, kind)), "The connection broke.")
