"""Answers as JSON, written by orjson: times in UTC with `Z`, rows and dataclasses as they are.

A route that returns one of these is not validated row by row by pydantic: its `response_model` only describes it, and
schemathesis sees to it in the tests that the description holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.responses import Response

_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC


@dataclass(frozen=True, slots=True)
class ListResponse:
    """A page of a list: rows as mappings or dataclasses. `total` counts the rows that match the filter."""

    items: list[Any]
    total: int
    limit: int
    offset: int = 0
    next_cursor: str | None = None


def show(content: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON response. `content` is not validated: a list of a hundred rows would take most of a request."""
    return Response(write_json(content), status, dict(headers) if headers else None, "application/json")


def write_json(content: object) -> bytes:
    """Return JSON as UTF-8."""
    return orjson.dumps(content, default=_write_other, option=_OPTIONS)


def _write_other(value: object) -> object:
    if isinstance(value, frozenset | set):
        return sorted(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no JSON")
