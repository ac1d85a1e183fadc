"""Limits of request bodies: 413 for a long one (declared or not), 408 for a slow one, 400 for NUL in an address.

Plain ASGI.
"""

import asyncio
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from beseda.web.problems import show_problem

_TIMEOUT = 60.0  # seconds: at the slowest, a mobile line sends the default limit of 1 MiB in as long
_WITH_BODY = {"POST", "PUT", "PATCH", "DELETE"}


class BodyLimitMiddleware:
    """Reads at most `limit` bytes of a body, for at most `timeout` seconds."""

    def __init__(self, app: ASGIApp, limit: int, *, timeout: float = _TIMEOUT) -> None:
        self._app = app
        self._limit = limit
        self._timeout = timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # PostgreSQL takes no NUL in a text, and would refuse the query: https://www.postgresql.org/docs/current/datatype-character.html.
        if b"%00" in scope["query_string"] or "\0" in scope["path"]:
            await show_problem(HTTPStatus.BAD_REQUEST, "NUL is no character of an address.")(scope, receive, send)
            return
        if scope["method"] not in _WITH_BODY:
            await self._app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "0")
        if not length.isascii() or not length.isdigit():
            await show_problem(HTTPStatus.BAD_REQUEST, "Content-Length is no number.")(scope, receive, send)
        elif int(length[:20]) > self._limit:  # digits beyond these would cost time to read
            refusal = show_problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A body may have {self._limit} bytes.")
            await refusal(scope, receive, send)
        else:
            await self._app(scope, self._bounded(receive), send)

    def _bounded(self, receive: Receive) -> Receive:
        """Return a `receive` that rejects a body that is too long or too slow, whatever length was declared.

        It raises HTTPException: 413 for the length, 408 for the time.
        """
        read, ends_at, whole = 0, asyncio.get_running_loop().time() + self._timeout, False

        async def receive_bounded() -> Message:
            nonlocal read, whole
            if whole:
                return await receive()  # the end of the connection, which may take its time
            try:
                async with asyncio.timeout_at(ends_at):
                    message = await receive()
            except TimeoutError:
                detail = f"A body may take {self._timeout:g} seconds."
                raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, detail) from None
            whole = not message.get("more_body")
            read += len(message.get("body", b""))
            if read > self._limit:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A body may have {self._limit} bytes.")
            return message

        return receive_bounded
