"""The gate of the API: who it is, how fast, and what of a body is read at all. Plain ASGI, outside of FastAPI.

Gate      401 without a good key, 429 beyond its rate; puts the headers of both on every answer
Bodies    413 for what is too long (told or not), 408 for what comes too slowly, 400 for NUL in an address
"""

import asyncio
import logging
import math
from collections import OrderedDict, deque
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from beseda.api.auth import CHALLENGE, put_key, read_bearer
from beseda.api.parts import ApiParts
from beseda.api.problems import show_error, show_problem
from beseda.domain.api_key import ApiKey
from beseda.errors import BesedaError, StorageError
from beseda.kit.clock import Clock
from beseda.storage.base.rate_limit import Rate

log = logging.getLogger(__name__)

_WINDOW = 60  # seconds
_PATIENCE = 60.0  # seconds
_KNOWN_LIMIT = 10_000
_PREFIX = "/api/"
_WITH_BODY = {"POST", "PUT", "PATCH", "DELETE"}
_ALWAYS = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]


class Gate:
    """Lets in who has a key and is not too fast."""

    def __init__(self, app: ASGIApp, parts: ApiParts) -> None:
        self._app = app
        self._keys = parts.keys
        self._limiter = parts.limiter
        self._rate = Rate(parts.limits.rate, _WINDOW)
        self._policy = f'"key";q={self._rate.limit};w={_WINDOW}'.encode()
        self._windows = Windows(self._rate, parts.clock)

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
        key = await self._keys.recognise(read_bearer(scope))
        if key is None:
            return show_problem(HTTPStatus.UNAUTHORIZED, "Send a key: Authorization: Bearer bsd_…", CHALLENGE)
        put_key(scope, key)
        return await self._slow_down(key, headers) if self._rate.limit else None

    async def _slow_down(self, key: ApiKey, headers: list[tuple[bytes, bytes]]) -> Response | None:
        """Count a request; the headers are those of draft-ietf-httpapi-ratelimit-headers-10."""
        try:
            wait = await self._limiter.hit(f"api:{key.id}", [self._rate])
        except StorageError as error:
            log.warning("nobody counts requests of the API: %s", error.detail)
            return None
        left, renewed = self._windows.count(key.id, counted=not wait)
        if wait:
            left, renewed = 0, wait
        seconds = math.ceil(renewed)
        headers += [(b"ratelimit-policy", self._policy), (b"ratelimit", f'"key";r={left};t={seconds}'.encode())]
        if not wait:
            return None
        detail = f"This key may ask {self._rate.limit} times a minute. Come back in {seconds} s."
        return show_problem(HTTPStatus.TOO_MANY_REQUESTS, detail, {"Retry-After": str(seconds)})


class Windows:
    """How much of its rate each key has left, as this process has seen it: for the headers only."""

    def __init__(self, rate: Rate, clock: Clock) -> None:
        self._rate = rate
        self._clock = clock
        self._seen: OrderedDict[int, deque[float]] = OrderedDict()

    def count(self, key_id: int, *, counted: bool = True) -> tuple[int, float]:
        """Count a request; return how many are left, and the seconds until there will be one more."""
        now = self._clock.monotonic()
        seen = self._seen.setdefault(key_id, deque())
        self._seen.move_to_end(key_id)
        if len(self._seen) > _KNOWN_LIMIT:
            self._seen.popitem(last=False)
        while seen and seen[0] <= now - self._rate.seconds:
            seen.popleft()
        if counted:
            seen.append(now)
        return max(0, self._rate.limit - len(seen)), (seen[0] + self._rate.seconds - now) if seen else 0.0


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
    """Return a `receive` that gives up on a body that is too long or too slow, whatever its sender said of it."""
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
