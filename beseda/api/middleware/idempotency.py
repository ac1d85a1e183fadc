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
from beseda.web.idempotency_record import KeptAnswer, Repeatable
from beseda.web.idempotency_repository import KeptAnswerRepository
from beseda.web.problems import show_error, show_problem

log = logging.getLogger(__name__)

HEADER = "Idempotency-Key"
UNREPEATABLE = frozenset({"/api/v1/keys"})  # their answers hold a secret that nobody keeps
_FORM = re.compile(r"[\x21-\x7e]{1,200}")
_KEPT_HEADERS = {"content-type", "etag", "location"}


class Repeats:
    """Answers a POST with an idempotency key once, however often it comes."""

    def __init__(self, app: ASGIApp, store: KeptAnswerRepository) -> None:
        self._app = app
        self._store = store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = find_key(scope)
        given = Headers(scope=scope).get(HEADER) if key is not None and _may_repeat(scope) else None
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
        request = Repeatable(key.id, given, _fingerprint(scope, body))
        try:
            known = await self._store.claim(request)
        except BesedaError as error:
            await show_error(error)(scope, receive, send)
            return
        if known is not None:
            await _answer_again(known, request)(scope, receive, send)
            return
        await self._answer(request, scope, _replay(body, receive), send)

    async def _answer(self, request: Repeatable, scope: Scope, receive: Receive, send: Send) -> None:
        recorder = _Recorder(send)
        try:
            await self._app(scope, receive, recorder.take)
        finally:
            await self._settle(request, recorder)
        await recorder.send_on()

    async def _settle(self, request: Repeatable, recorder: "_Recorder") -> None:
        try:
            if HTTPStatus.OK <= recorder.status < HTTPStatus.BAD_REQUEST:
                headers = recorder.headers()
                await self._store.keep(
                    request, KeptAnswer(request.fingerprint, recorder.status, headers, recorder.body)
                )
            else:
                await self._store.release(request)
        except StorageError as error:
            log.warning("an answer is not kept for a repetition: %s", error.detail)


class _Recorder:
    """Holds a response back until it is stored, so that a client that received it will get it again."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._messages: list[Message] = []
        self.status = 0
        self.body = b""

    async def take(self, message: Message) -> None:
        self._messages.append(message)
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")

    def headers(self) -> Mapping[str, str]:
        start = self._messages[0]
        return {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in start["headers"]
            if name.decode("latin-1").lower() in _KEPT_HEADERS
        }

    async def send_on(self) -> None:
        for message in self._messages:
            await self._send(message)


def _may_repeat(scope: Scope) -> bool:
    return scope["method"] == "POST" and scope["path"] not in UNREPEATABLE


def _answer_again(known: KeptAnswer, request: Repeatable) -> Response:
    if known.fingerprint != request.fingerprint:
        return show_problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"This {HEADER} was sent with another request before.")
    if not known.status:
        return show_problem(HTTPStatus.CONFLICT, "The same request is under way.", {"Retry-After": "1"})
    return Response(known.body, known.status, {**known.headers, "Idempotent-Replayed": "true"})


def _fingerprint(scope: Scope, body: bytes) -> str:
    digest = hashlib.sha256(scope["path"].encode() + b"\n" + scope["query_string"] + b"\n")
    digest.update(body)
    return digest.hexdigest()


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


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def receive_again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again
