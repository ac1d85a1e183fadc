"""Routers of the API: bodies are read by orjson, and every route is described whole."""

import json
from collections.abc import Callable, Coroutine, Iterator, Set
from typing import Any

import orjson
from fastapi import APIRouter
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

_NUL = b"\\u0000"


class JsonRequest(Request):
    """A request with a JSON body as orjson accepts it: UTF-8, of bounded depth, without lone surrogates or NUL."""

    async def json(self) -> Any:
        """Return the body. Raises JSONDecodeError."""
        body = await self.body()
        content = orjson.loads(body)
        if _NUL in body and _has_nul(content):
            raise json.JSONDecodeError("NUL is no character of a text", "", body.index(_NUL))
        return content


class JsonRoute(APIRoute):
    """A route that reads its body as `JsonRequest`, and rejects unknown query parameters."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        known = frozenset(_list_parameters(self.dependant))
        takes_body = self.body_field is not None

        async def check_and_handle(request: Request) -> Response:
            if request.scope["query_string"]:
                _check_parameters(request, known)
            if not takes_body:
                return await handle(request)
            headers = request.headers
            has_body = "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
            if has_body and not _is_json(headers.get("content-type", "")):
                raise HTTPException(415, "Send JSON, as Content-Type: application/json.")
            return await handle(JsonRequest(request.scope, request.receive))

        return check_and_handle


def api_router(prefix: str, tag: str) -> APIRouter:
    """Return a router under `/api/v1`: `prefix` is like "/leads", `tag` the name of the group in the document."""
    return APIRouter(prefix=f"/api/v1{prefix}", tags=[tag], route_class=JsonRoute)


def _list_parameters(dependant: Dependant) -> Iterator[str]:
    """Yield the names of the query parameters that a route and its dependencies read."""
    for parameter in dependant.query_params:
        model = parameter.field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            yield from (field.alias or name for name, field in model.model_fields.items())
        else:
            yield parameter.alias
    for part in dependant.dependencies:
        yield from _list_parameters(part)


def _check_parameters(request: Request, known: Set[str]) -> None:
    """Raise RequestValidationError for parameters that are not `known`: a slip would return every row."""
    unknown = [name for name in dict.fromkeys(request.query_params.keys()) if name not in known]
    if unknown:
        there = f"known are {', '.join(sorted(known))}" if known else "there are none here"
        message = f"There is no such parameter; {there}."
        raise RequestValidationError([{"type": "extra", "loc": ("query", name), "msg": message} for name in unknown])


def _is_json(content_type: str) -> bool:
    kind, _, rest = content_type.partition(";")
    charset = rest.strip().lower().replace('"', "")
    return kind.strip().lower() == "application/json" and charset in {"", "charset=utf-8", "charset=utf8"}


def _has_nul(content: Any) -> bool:
    if isinstance(content, str):
        return "\0" in content
    if isinstance(content, dict):
        return any("\0" in name or _has_nul(value) for name, value in content.items())
    return isinstance(content, list) and any(map(_has_nul, content))
