"""The rate limit of a key: 429 beyond it, and its state in the headers of every response. Plain ASGI."""

import logging
import math
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from beseda.core.errors import StorageError
from beseda.ephemeral.base import Rate, RateLimiter
from beseda.web.auth import find_key
from beseda.web.problems import show_problem

log = logging.getLogger(__name__)

_WINDOW = 60  # seconds


class RateLimitMiddleware:
    """Limits the requests of a key to `limit` per minute. While Redis does not answer, requests are not counted.

    The headers are those of draft-ietf-httpapi-ratelimit-headers-10.
    """

    def __init__(self, app: ASGIApp, limiter: RateLimiter, limit: int) -> None:
        self._app = app
        self._limiter = limiter
        self._rate = Rate(limit, _WINDOW)
        self._policy = f'"key";q={limit};w={_WINDOW}'.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = find_key(scope)
        if key is None:  # a page that is open to everyone
            await self._app(scope, receive, send)
            return
        try:
            quota = await self._limiter.spend(f"api:{key.id}", self._rate)
        except StorageError as error:
            log.warning("requests of the API are not counted: %s", error.detail)
            await self._app(scope, receive, send)
            return
        seconds = math.ceil(quota.renewed)
        state = f'"key";r={quota.left};t={seconds}'.encode()

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [(b"ratelimit-policy", self._policy), (b"ratelimit", state)]
                message["headers"] = [*message.get("headers", ()), *headers]
            await send(message)

        if quota.wait:
            detail = f"This key may ask {self._rate.limit} times a minute. Come back in {seconds} s."
            refusal = show_problem(HTTPStatus.TOO_MANY_REQUESTS, detail, {"Retry-After": str(seconds)})
            await refusal(scope, receive, send_with_headers)
        else:
            await self._app(scope, receive, send_with_headers)
