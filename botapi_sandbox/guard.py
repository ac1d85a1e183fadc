"""Checks that a request comes from this machine: a page of another site must not read chats or write in them."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from botapi_sandbox.refusals import ApiRefusalError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_SAFE_METHODS = frozenset({"GET", "HEAD"})

_SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
        "connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def _find_objection(request: Request) -> str | None:
    """Why a request to the user side is refused, or None.

    The Host check defeats DNS rebinding; the Origin check defeats forms and scripts of other sites.
    """
    host = request.headers.get("host", "")
    if _get_name(host) not in _LOCAL_NAMES:
        return "The sandbox answers on localhost only"
    if request.method in _SAFE_METHODS:
        return None
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != host:
        return "Requests from another site are refused"
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return "Requests from another site are refused"
    return None


def find_bot_side_objection(request: Request) -> str | None:
    """Why a call of the bot side is refused, or None: browsers are, because tokens of a sandbox are no secret.

    A name with a dot may be a foreign one bound to this machine; addresses and container names are not.
    """
    headers = request.headers
    if "origin" in headers or headers.get("sec-fetch-site", "none") != "none":
        return "Forbidden: browsers cannot call the sandbox's bot side"
    name = _get_name(headers.get("host", "")) or ""
    if name in _LOCAL_NAMES or "." not in name or name.endswith((".localhost", ".internal")):
        return None
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return "Forbidden: the sandbox answers under local names only"
    return None


def _get_name(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def guarded(endpoint: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint behind the Host and Origin checks, with errors as JSON and security headers."""

    async def answer(request: Request) -> Response:
        objection = _find_objection(request)
        try:
            response = await endpoint(request) if objection is None else _refuse(403, objection)
        except ApiRefusalError as refusal:
            response = _refuse(refusal.code, refusal.description)
        except ClientDisconnect:
            response = _refuse(400, "The connection was closed in the middle of the request")
        except (ValueError, TypeError, OverflowError) as error:
            response = _refuse(400, f"Bad Request: {error}")
        response.headers.update(_SECURITY_HEADERS)
        return response

    return answer


def _refuse(status: int, detail: str) -> Response:
    return as_json({"ok": False, "detail": detail}, status)


def as_json(value: Any, status: int = 200) -> Response:
    """Return a response of JSON."""
    return Response(orjson.dumps(value), status, media_type="application/json")
