"""Every refusal of the web is a problem of RFC 9457: JSON with `title`, `status` and `detail`, never a traceback."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from beseda.core.errors import (
    AccessDeniedError,
    BesedaError,
    BroadcastBusyError,
    BroadcastStateError,
    BrokerUnavailableError,
    FileTooLargeError,
    InputError,
    LeaseLostError,
    MeetingOverError,
    MergeRefusedError,
    NotASlotError,
    NotFoundError,
    PeriodError,
    PhotoTooLargeError,
    RateLimitedError,
    RefusedAddressError,
    RemoteError,
    ReportNotReadyError,
    SilentAudioError,
    SlotTakenError,
    SpeechNotConfiguredError,
    StaleVersionError,
    StorageError,
    TelegramError,
    TextTooLongError,
    TimeLimitError,
    ToolError,
    TooManyMeetingsError,
    UnreadableAudioError,
    UnreadablePhotoError,
    UnreadableTextError,
    UnsupportedInputError,
    UnsupportedPhotoError,
    WebhooksOffError,
    name_error,
)
from beseda.locales.errors import explain
from beseda.web.responses import write_json

MEDIA_TYPE = "application/problem+json"
_MOST_ERRORS = 20  # of one request: a body of many unknown fields must not make an answer larger than itself
_LONGEST_PLACE = 200
_DESCRIPTIONS = {
    HTTPStatus.BAD_REQUEST: "The request is malformed: an invalid cursor, or bytes that are not text.",
    HTTPStatus.UNAUTHORIZED: "The key is missing, wrong or revoked.",
    HTTPStatus.FORBIDDEN: "The key's scope does not allow this.",
    HTTPStatus.NOT_FOUND: "The object does not exist.",
    HTTPStatus.REQUEST_TIMEOUT: "The body did not arrive in time.",
    HTTPStatus.CONFLICT: "The request conflicts with the current state, or the same request is in progress.",
    HTTPStatus.PRECONDITION_FAILED: "`If-Match` names an older version.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is larger than this API reads.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is not `application/json`.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "A field or a parameter is invalid; `errors` lists them.",
    HTTPStatus.TOO_MANY_REQUESTS: "The rate limit of the key is exceeded; `Retry-After` is the wait in seconds.",
    HTTPStatus.SERVICE_UNAVAILABLE: "A service that the request needs does not respond.",
}
# Of an error and its subclasses, as far as these have no status of their own; any other error is a bug: 500.
_STATUSES: Mapping[type[BesedaError], HTTPStatus] = {
    InputError: HTTPStatus.BAD_REQUEST,
    AccessDeniedError: HTTPStatus.FORBIDDEN,
    NotFoundError: HTTPStatus.NOT_FOUND,
    BroadcastBusyError: HTTPStatus.CONFLICT,
    BroadcastStateError: HTTPStatus.CONFLICT,
    MeetingOverError: HTTPStatus.CONFLICT,
    MergeRefusedError: HTTPStatus.CONFLICT,
    ReportNotReadyError: HTTPStatus.CONFLICT,
    SlotTakenError: HTTPStatus.CONFLICT,
    TooManyMeetingsError: HTTPStatus.CONFLICT,
    WebhooksOffError: HTTPStatus.CONFLICT,
    StaleVersionError: HTTPStatus.PRECONDITION_FAILED,
    FileTooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    PhotoTooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    TextTooLongError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    UnreadableTextError: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    UnsupportedInputError: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    UnsupportedPhotoError: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    NotASlotError: HTTPStatus.UNPROCESSABLE_ENTITY,
    PeriodError: HTTPStatus.UNPROCESSABLE_ENTITY,
    RefusedAddressError: HTTPStatus.UNPROCESSABLE_ENTITY,
    SilentAudioError: HTTPStatus.UNPROCESSABLE_ENTITY,
    UnreadableAudioError: HTTPStatus.UNPROCESSABLE_ENTITY,
    UnreadablePhotoError: HTTPStatus.UNPROCESSABLE_ENTITY,
    RateLimitedError: HTTPStatus.TOO_MANY_REQUESTS,
    RemoteError: HTTPStatus.BAD_GATEWAY,
    TelegramError: HTTPStatus.BAD_GATEWAY,
    BrokerUnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
    LeaseLostError: HTTPStatus.SERVICE_UNAVAILABLE,
    SpeechNotConfiguredError: HTTPStatus.SERVICE_UNAVAILABLE,
    StorageError: HTTPStatus.SERVICE_UNAVAILABLE,
    TimeLimitError: HTTPStatus.SERVICE_UNAVAILABLE,
    ToolError: HTTPStatus.SERVICE_UNAVAILABLE,
}
SCHEMA: Mapping[str, Any] = {
    "title": "Problem",
    "description": "Why a request was refused (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "description": "`about:blank`: the kind is that of the status."},
        "title": {"type": "string", "description": "The status in words."},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "Explanation of this problem."},
        "code": {"type": "string", "description": "Name of the error for programs, if it has one."},
        "errors": {
            "type": "array",
            "description": "The invalid fields.",
            "items": {
                "type": "object",
                "required": ["place", "problem"],
                "properties": {"place": {"type": "string"}, "problem": {"type": "string"}},
            },
        },
    },
}


def show_problem(status: int, detail: str = "", headers: Mapping[str, str] | None = None, **more: object) -> Response:
    """Return a problem as an answer."""
    title = _title(status)
    body: dict[str, object] = {"type": "about:blank", "title": title, "status": status}
    if detail and detail != title:
        body["detail"] = _clean(detail)
    body |= more
    return Response(write_json(body), status, dict(headers or {}), MEDIA_TYPE)


def show_error(error: BesedaError, headers: Mapping[str, str] | None = None, **more: object) -> Response:
    """Return one of our errors as a problem with its status.

    Its text is that for users. Errors about a program's input name the part that is missing or wrong.
    """
    detail = error.detail
    if isinstance(error, NotFoundError) and detail:
        text = f"There is no {detail}." if detail[-1].isdigit() else f"Not found: {detail}."
    elif isinstance(error, PeriodError) and detail:
        text = f"This period cannot be counted: {detail}."
    elif isinstance(error, RefusedAddressError) and detail:
        text = detail  # it names the fault of the address, and holds no secret
    else:
        text = explain(error, "en")
    return show_problem(find_status(type(error)), text, headers, **more)


def find_status(kind: type[BesedaError]) -> int:
    """Return the HTTP status of an error: its own or that of its nearest ancestor with one, 500 for a bug."""
    own = (_STATUSES[each] for each in kind.__mro__ if each in _STATUSES)
    return next(own, HTTPStatus.INTERNAL_SERVER_ERROR)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route for these errors. Errors that all routes share are added in `document`."""
    described: dict[int | str, dict[str, Any]] = {}
    for status in statuses:
        title = _title(status)
        text = _DESCRIPTIONS.get(HTTPStatus(status), title)
        example = {"type": "about:blank", "title": title, "status": int(status), "detail": text}
        content = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}
        described[status] = {"description": text, "content": {MEDIA_TYPE: content}}
    return described


def add_problem_handlers(app: FastAPI) -> None:
    """Make `app` return every error as a problem. A BesedaError shows clients no more than the text for users."""

    @app.exception_handler(HTTPException)
    async def refuse(request: Request, error: HTTPException) -> Response:
        headers = dict(error.headers or {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            # The router names the method of the first route at that path; there is one for each method.
            allowed = set(headers.get("Allow", "").split(", "))
            for route in app.routes:
                if isinstance(route, Route) and route.path_regex.match(request.scope["path"]):
                    allowed |= route.methods or set()
            headers["Allow"] = ", ".join(sorted(allowed - {""}))
        return show_problem(error.status_code, str(error.detail), headers)

    @app.exception_handler(RequestValidationError)
    async def refuse_input(_: Request, error: RequestValidationError) -> Response:
        shown = error.errors()[:_MOST_ERRORS]
        found = [
            {"place": _clean(".".join(map(str, item["loc"]))[:_LONGEST_PLACE]), "problem": _clean(item["msg"])}
            for item in shown
        ]
        detail = "; ".join(f"{item['place']}: {item['problem']}" for item in found)
        return show_problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors=found)

    @app.exception_handler(BesedaError)
    async def explain(_: Request, error: BesedaError) -> Response:
        headers = {"Retry-After": str(max(1, round(error.retry_after)))} if error.retry_after else None
        return show_error(error, headers, code=name_error(type(error)))

    @app.exception_handler(Exception)
    async def apologise(_: Request, __: Exception) -> Response:
        # The server has it in the log, with its traceback.
        return show_problem(HTTPStatus.INTERNAL_SERVER_ERROR)


def _title(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def _clean(text: str) -> str:
    """Return the text without lone surrogates, which JSON cannot represent; names sent by users may contain them."""
    return text if text.isascii() else text.encode(errors="replace").decode()
