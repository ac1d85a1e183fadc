"""`Idempotency-Key`: a repeated POST gets the stored response and is not executed again
(draft-ietf-httpapi-idempotency-key).

Successful responses are stored for 24 hours in the database, so that every replica knows them. A rejection changed
nothing and is not stored: the request may be corrected and sent again.
"""

import hashlib
import logging
import re
from collections.abc import Mapping
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from beseda.core.errors import BesedaError, StorageError
from beseda.web.auth import find_key
from beseda.web.idempotency import IdempotencyRecord, IdempotencyRepository, IdempotentRequest
from beseda.web.problems import show_error, show_problem

log = logging.getLogger(__name__)

HEADER = "Idempotency-Key"
NOT_STORED = frozenset({"/api/v1/keys"})  # the response contains a secret that is stored nowhere
_FORM = re.compile(r"[\x21-\x7e]{1,200}")
_STORED_HEADERS = {"content-type", "etag", "location"}


class IdempotencyMiddleware:
    """Executes a POST with an idempotency key once; repetitions get the stored response."""

    def __init__(self, app: ASGIApp, store: IdempotencyRepository) -> None:
        self._app = app
        self._store = store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = find_key(scope)
        is_covered = key is not None and scope["method"] == "POST" and scope["path"] not in NOT_STORED
        given = Headers(scope=scope).get(HEADER) if is_covered else None
        if key is None or given is None:
            await self._app(scope, receive, send)
            return
        if not _FORM.fullmatch(given):
            problem = f"{HEADER} may have up to 200 visible characters."
            await show_problem(HTTPStatus.BAD_REQUEST, problem)(scope, receive, send)
            return
        try:
            body = await _read(receive)
        except HTTPException as error:  # too long
            await show_problem(error.status_code, error.detail)(scope, receive, send)
            return
        if body is None:
            return
        fingerprint = hashlib.sha256(scope["path"].encode() + b"\n" + scope["query_string"] + b"\n" + body).hexdigest()
        request = IdempotentRequest(key.id, given, fingerprint)
        try:
            known = await self._store.claim(request)
        except BesedaError as error:
            await show_error(error)(scope, receive, send)
            return
        if known is not None:
            await _replay_response(known, request)(scope, receive, send)
            return
        recorder = _Recorder(send)
        try:
            await self._app(scope, _replay_body(body, receive), recorder.take)
        finally:
            await self._settle(request, recorder)
        await recorder.send_on()

    async def _settle(self, request: IdempotentRequest, recorder: "_Recorder") -> None:
        try:
            if HTTPStatus.OK <= recorder.status < HTTPStatus.BAD_REQUEST:
                record = IdempotencyRecord(request.fingerprint, recorder.status, recorder.headers(), recorder.body)
                await self._store.complete(request, record)
            else:
                await self._store.release(request)
        except StorageError as error:
            log.warning("a response is not stored for repetitions: %s", error.detail)


class _Recorder:
    """Holds a response back until it is stored, so that a client that received it will get it again."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._messages: list[Message] = []
        self.status = 0
        self.body = b""

    async def take(self, message: Message) -> None:
        """Record a message of the response."""
        self._messages.append(message)
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")

    def headers(self) -> Mapping[str, str]:
        """Return the headers that belong to the content; others are added to each response anew."""
        start = self._messages[0]
        return {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in start["headers"]
            if name.decode("latin-1").lower() in _STORED_HEADERS
        }

    async def send_on(self) -> None:
        """Send the recorded response to the client."""
        for message in self._messages:
            await self._send(message)


def _replay_response(known: IdempotencyRecord, request: IdempotentRequest) -> Response:
    if known.fingerprint != request.fingerprint:
        return show_problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"This {HEADER} was sent with another request before.")
    if not known.status:
        return show_problem(HTTPStatus.CONFLICT, "The same request is under way.", {"Retry-After": "1"})
    return Response(known.body, known.status, {**known.headers, "Idempotent-Replayed": "true"})


async def _read(receive: Receive) -> bytes | None:
    """Return the whole body, or None if the client disconnected before its end."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


def _replay_body(body: bytes, receive: Receive) -> Receive:
    given = False

    async def receive_again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again
