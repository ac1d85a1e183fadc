"""Middleware of the API: authentication, rate limits and limits of request bodies. Plain ASGI, outside of FastAPI.

- `Heads`: HEAD is GET without a body
- `ApiKeyMiddleware`: 401 without a valid key, 429 beyond its rate limit; adds the rate limit headers to every response
- `Bodies`: 413 for a body that is too long (declared or not), 408 for one that arrives too slowly, 400 for NUL in an
  address
"""

import asyncio
import ipaddress
import logging
import math
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from beseda.core.errors import BesedaError, StorageError
from beseda.ephemeral.base.rate_limit import Rate, RateLimiter
from beseda.features.api_keys.service import ApiKeyService
from beseda.web.api_key import ApiKey
from beseda.web.auth import CHALLENGE, put_key, read_bearer
from beseda.web.problems import show_error, show_problem

log = logging.getLogger(__name__)

_WINDOW = 60  # seconds
_PATIENCE = 60.0  # seconds
_WRONG_KEYS = Rate(30, _WINDOW)
_PREFIX = "/api/"
_WITH_BODY = {"POST", "PUT", "PATCH", "DELETE"}
_ALWAYS = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]


class ApiKeyMiddleware:
    """Passes requests with a valid key that is within its rate limit, and rejects all others."""

    def __init__(self, app: ASGIApp, keys: ApiKeyService, limiter: RateLimiter, rate: int) -> None:
        """`rate` is the number of requests per minute and key; 0 means no limit."""
        self._app = app
        self._keys = keys
        self._limiter = limiter
        self._rate = Rate(rate, _WINDOW)
        self._policy = f'"key";q={self._rate.limit};w={_WINDOW}'.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(_PREFIX):
            await self._app(scope, receive, send)
            return
        headers = list(_ALWAYS)
        try:
            refusal = await self._refuse(scope, headers)
        except BesedaError as error:
            refusal = show_error(error)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *headers]
            await send(message)

        await (refusal or self._app)(scope, receive, send_with_headers)

    async def _refuse(self, scope: Scope, headers: list[tuple[bytes, bytes]]) -> Response | None:
        given = read_bearer(scope)
        key = await self._keys.recognise(given)
        if key is None:
            return await self._refuse_stranger(find_peer(scope) if given else "")
        put_key(scope, key)
        return await self._slow_down(key, headers) if self._rate.limit else None

    async def _refuse_stranger(self, peer: str) -> Response:
        """Return 401, or 429 to an address that sends one wrong key after another; without a key `peer` is empty.

        A good key is taken from such an address all the same: it may be that of a proxy.
        """
        try:
            wait = 0.0 if not peer else (await self._limiter.spend(f"api-wrong-key:{peer}", _WRONG_KEYS)).wait
            # One line for each address and minute: a flood of them is not to fill the disk.
            if wait and not await self._limiter.hit(f"api-wrong-key-log:{peer}", [Rate(1, _WINDOW)]):
                log.warning("%s has sent %d wrong API keys within a minute", peer, _WRONG_KEYS.limit)
        except StorageError:
            wait = 0.0
        if not wait:
            return show_problem(HTTPStatus.UNAUTHORIZED, "Send a key: Authorization: Bearer bsd_…", CHALLENGE)
        seconds = math.ceil(wait)
        detail = f"Too many wrong keys came from this address. Come back in {seconds} s with a good one."
        return show_problem(HTTPStatus.TOO_MANY_REQUESTS, detail, {"Retry-After": str(seconds)})

    async def _slow_down(self, key: ApiKey, headers: list[tuple[bytes, bytes]]) -> Response | None:
        """Count a request; the headers are those of draft-ietf-httpapi-ratelimit-headers-10."""
        try:
            quota = await self._limiter.spend(f"api:{key.id}", self._rate)
        except StorageError as error:
            log.warning("requests of the API are not counted: %s", error.detail)
            return None
        seconds = math.ceil(quota.renewed)
        headers += [(b"ratelimit-policy", self._policy), (b"ratelimit", f'"key";r={quota.left};t={seconds}'.encode())]
        if not quota.wait:
            return None
        detail = f"This key may ask {self._rate.limit} times a minute. Come back in {seconds} s."
        return show_problem(HTTPStatus.TOO_MANY_REQUESTS, detail, {"Retry-After": str(seconds)})


class Heads:
    """Answers HEAD as GET without its body, as RFC 9110 asks of every server."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._app({**scope, "method": "GET"}, receive, send_head)


class Bodies:
    """Reads no more of a body than is allowed, and for no longer than `patience` seconds."""

    def __init__(self, app: ASGIApp, limit: int, *, patience: float = _PATIENCE) -> None:
        self._app = app
        self._limit = limit
        self._patience = patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if b"%00" in scope["query_string"] or "\0" in scope["path"]:
            await show_problem(HTTPStatus.BAD_REQUEST, "NUL is no character of an address.")(scope, receive, send)
            return
        if scope["method"] not in _WITH_BODY:
            await self._app(scope, receive, send)
            return
        refusal = self._refuse(Headers(scope=scope))
        await (refusal or self._app)(scope, _bounded(receive, self._limit, self._patience), send)

    def _refuse(self, headers: Headers) -> Response | None:
        length = headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit():
            return show_problem(HTTPStatus.BAD_REQUEST, "Content-Length is no number.")
        if int(length[:20]) > self._limit:
            return too_large(self._limit)
        return None


def too_large(limit: int) -> Response:
    """Return the refusal of a body."""
    return show_problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A body may have {limit} bytes.")


def _bounded(receive: Receive, limit: int, patience: float) -> Receive:
    """Return a `receive` that rejects a body that is too long or too slow, whatever length was declared.

    It raises HTTPException: 413 for the length, 408 for the time.
    """
    read, ends_at, whole = 0, asyncio.get_running_loop().time() + patience, False

    async def receive_bounded() -> Message:
        nonlocal read, whole
        if whole:
            return await receive()  # the end of the connection, which may take its time
        try:
            async with asyncio.timeout_at(ends_at):
                message = await receive()
        except TimeoutError:
            raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, f"A body may take {patience:g} seconds.") from None
        whole = not message.get("more_body")
        read += len(message.get("body", b""))
        if read > limit:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A body may have {limit} bytes.")
        return message

    return receive_bounded


def find_peer(scope: Scope) -> str:
    """Return the address that a request comes from; of IPv6 the network that one customer has."""
    host = (scope.get("client") or ("unknown", 0))[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return str(host)
    return str(address) if address.version == 4 else str(ipaddress.ip_network((address, 64), strict=False))
