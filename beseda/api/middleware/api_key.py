"""Authentication of the API: 401 without a valid key, 429 to an address that sends many wrong ones. Plain ASGI."""

import ipaddress
import logging
import math
from http import HTTPStatus

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from beseda.core.errors import BesedaError, StorageError
from beseda.ephemeral.base import Rate, RateLimiter
from beseda.features.api_keys.service import ApiKeyService
from beseda.web.auth import CHALLENGE, put_key, read_bearer
from beseda.web.problems import show_error, show_problem

log = logging.getLogger(__name__)

PREFIX = "/api/"
# A person with a wrong key tries a few times; to guess one of 256 bits, any number of tries is too few.
_WRONG_KEYS = Rate(30, 60)
# Responses hold personal data: no cache on the way keeps them, and no browser takes one for a page.
_HEADERS = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]


class ApiKeyMiddleware:
    """Passes requests with a valid key, and rejects all others before anything else of them is read."""

    def __init__(self, app: ASGIApp, keys: ApiKeyService, limiter: RateLimiter) -> None:
        self._app = app
        self._keys = keys
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        refusal: Response | None = None
        token = read_bearer(scope)
        try:
            key = await self._keys.recognise(token)
        except BesedaError as error:
            refusal = show_error(error)
        else:
            if key is None:
                refusal = await self._refuse(find_peer(scope) if token else "")
            else:
                put_key(scope, key)
        await (refusal or self._app)(scope, receive, send_with_headers)

    async def _refuse(self, peer: str) -> Response:
        """Return 401, or 429 to an address that sends one wrong key after another; without a key `peer` is empty.

        A valid key is accepted from such an address all the same: it may be that of a proxy.
        """
        try:
            wait = 0.0 if not peer else (await self._limiter.spend(f"api-wrong-key:{peer}", _WRONG_KEYS)).wait
            # One line for each address and minute: a flood of them is not to fill the disk.
            if wait and not await self._limiter.hit(f"api-wrong-key-log:{peer}", [Rate(1, _WRONG_KEYS.seconds)]):
                log.warning("%s has sent %d wrong API keys within a minute", peer, _WRONG_KEYS.limit)
        except StorageError:
            wait = 0.0
        if not wait:
            return show_problem(HTTPStatus.UNAUTHORIZED, "Send a key: Authorization: Bearer bsd_…", CHALLENGE)
        seconds = math.ceil(wait)
        detail = f"Too many wrong keys came from this address. Come back in {seconds} s with a good one."
        return show_problem(HTTPStatus.TOO_MANY_REQUESTS, detail, {"Retry-After": str(seconds)})


def find_peer(scope: Scope) -> str:
    """Return the address that a request comes from; of IPv6 the network that one customer has."""
    host = (scope.get("client") or ("unknown", 0))[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return str(host)
    # A customer of a provider has a /64 at least (RFC 6177), so single addresses can be changed at will.
    return str(address) if address.version == 4 else str(ipaddress.ip_network((address, 64), strict=False))
