"""The OpenAPI document: FastAPI's description of the routes, completed with the behaviour of the middleware."""

from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from beseda import __version__
from beseda.api.middleware.idempotency import HEADER, NOT_STORED
from beseda.web.auth import SCHEME, SECURITY_SCHEME, RequiredScope
from beseda.web.problems import SCHEMA, problems

ABOUT = """
Leads, conversations, meetings and figures of your bots, for your CRM.

Every request carries a key: `Authorization: Bearer bsd_…`, made by `beseda keys create`. A list comes in pages:
`limit` and `offset`, or `cursor` to read on without missing a row. Times are RFC 3339 in UTC; numbers of 63 bits are
texts. What is refused is a problem of RFC 9457. `Idempotency-Key` makes a POST safe to repeat for 24 hours.
"""
_IDEMPOTENCY_KEY = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "A unique name of the request: repeated within 24 hours, it gets the first response again.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
    "example": "7d0f2f6e-import-42",
}
_LIMITED = {
    "RateLimit": {"description": "Remaining requests of the key.", "schema": {"type": "string"}},
    "RateLimit-Policy": {"description": "Rate limit of the key.", "schema": {"type": "string"}},
}
_RETRY = {"Retry-After": {"description": "Seconds to wait.", "required": True, "schema": {"type": "string"}}}
_CHALLENGE = {"WWW-Authenticate": {"description": "Kind of the key.", "required": True, "schema": {"type": "string"}}}
_ALWAYS = (400, 401, 403, 422, 429, 503)
_TAGS: Mapping[str, str] = {
    "analytics": "Figures of a period, and one of them over time.",
    "broadcasts": "One message to many people: tested on a few first, paused, cancelled.",
    "events": "Events of leads, meetings and conversations.",
    "leads": "People who may buy, with the quotes behind their fields.",
    "meetings": "Appointments: free slots, bookings that expire unless confirmed, files for calendars.",
    "reports": "Figures as CSV, XLSX or HTML, made by the worker.",
    "webhooks": "Addresses that receive signed events, with retries and the results of deliveries.",
    "conversations": "Messages of people and bots, and operators in place of a bot.",
    "bots": "The bots of this installation.",
    "files": "Files that bots keep for people: transcripts, documents, photos, recordings.",
    "jobs": "Background jobs: their progress and results.",
    "keys": "Keys to this API.",
    "health": "For supervisors and load balancers.",
}


def write_document(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of `app`."""
    document = get_openapi(
        title="Beseda",
        version=__version__,
        description=ABOUT,
        routes=app.routes,
    )
    scopes = {(path, method.lower()): scope for path, method, scope in list_scopes(app)}
    used = set()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            used.update(operation.get("tags", ()))
            scope = scopes.get((path, method), "")
            if scope:
                _complete(operation, scope, repeatable=method == "post" and path not in NOT_STORED)
            elif path.startswith("/api/"):
                raise ValueError(f"{method.upper()} {path} names no scope: READ, WRITE or ADMIN is missing")
    document["tags"] = [
        {"name": name, "description": _TAGS.get(name, name.capitalize() + ".")} for name in sorted(used)
    ]
    components = document.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = dict(SCHEMA)
    components["schemas"].pop("HTTPValidationError", None)
    components["schemas"].pop("ValidationError", None)
    components["securitySchemes"] = {SCHEME: SECURITY_SCHEME}
    return document


def list_scopes(app: FastAPI) -> Iterable[tuple[str, str, str]]:
    """Return path, method and required scope of every route; the scope is empty if none is required."""
    for route in app.routes:
        if isinstance(route, APIRoute) and route.include_in_schema:
            scope = next((call.scope.value for call in _calls(route.dependant) if isinstance(call, RequiredScope)), "")
            for method in route.methods or ():
                yield route.path_format, method, scope


def _calls(dependant: Dependant) -> Iterable[object]:
    for inner in dependant.dependencies:
        yield inner.call
        yield from _calls(inner)


def _complete(operation: dict[str, Any], scope: str, *, repeatable: bool) -> None:
    """Add the parts that the middleware contributes to a route: the key, its rate limit, and the rejections before the
    route.
    """
    operation["security"] = [{SCHEME: []}]
    operation["x-scope"] = scope
    said = f"Needs a key of scope `{scope}`."
    operation["description"] = "\n\n".join(filter(None, [operation.get("description", ""), said]))
    for parameter in operation.get("parameters", ()):
        _drop_null(parameter)
    statuses = {*_ALWAYS, *((408, 413, 415) if "requestBody" in operation else ())}
    if repeatable:
        operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
        statuses |= {409}
    answers = operation["responses"]
    for status, answer in problems(*statuses).items():
        if status == 422 or str(status) not in answers:
            answers[str(status)] = answer
    for status, answer in answers.items():
        headers = {**answer.get("headers", {}), **_LIMITED}
        if status == "401":
            headers = {**answer.get("headers", {}), **_CHALLENGE}
        if status == "429":
            headers |= _RETRY
        answer["headers"] = headers
    operation["responses"] = dict(sorted(answers.items()))


def _drop_null(parameter: dict[str, Any]) -> None:
    """A parameter that may be left out is not null: an address has no such thing."""
    schema = parameter["schema"]
    kinds = [kind for kind in schema.get("anyOf", ()) if kind.get("type") != "null"]
    if len(kinds) == 1:
        parameter["schema"] = {**{name: value for name, value in schema.items() if name != "anyOf"}, **kinds[0]}
