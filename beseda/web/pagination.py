"""Pagination: `limit` and `offset`, or `cursor`, which new rows do not shift.

A cursor is opaque to the client and not signed. It holds the end of a page, the list and its order, and is checked like
any other input.
"""

import base64
import binascii
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Generic, TypeVar

import orjson
from fastapi import Depends, Query
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from beseda.web.responses import ListResponse

T = TypeVar("T")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_CHEAP = 0.005  # seconds: a count that takes longer is used again for a while
_SHARE = 50  # of which counting may take one
_KNOWN_LIMIT = 1000


class Page(BaseModel, Generic[T]):
    """A page of a list."""

    items: list[T]
    total: int = Field(description="Number of all items; of very many, as counted a moment ago.", examples=[1])
    limit: int = Field(examples=[100])
    offset: int = Field(examples=[0])
    next_cursor: str | None = Field(
        description="Cursor of the next page; null if this page is not full.", examples=[None]
    )


@dataclass(frozen=True, slots=True)
class Paging:
    """The requested page of a list."""

    limit: int
    offset: int
    cursor: str | None

    def after(self, order: str, *types: type) -> tuple[Any, ...] | None:
        """Return the end of the previous page, or None for the first page. `order` names list and order, as in
        `write_cursor`.

        Raises HTTPException 400 for a cursor that this API did not issue, or that belongs to another list.
        """
        return read_cursor(self.cursor, order, *types) if self.cursor is not None else None

    def after_time(self, order: str) -> tuple[datetime, int] | None:
        """Return time and number of the last item seen in a list ordered by them. Raises HTTPException(400)."""
        place = self.after(order, int, int)
        if place is None:
            return None
        try:
            return _EPOCH + timedelta(microseconds=place[0]), place[1]
        except OverflowError:
            raise HTTPException(400, "This cursor is not of this list: leave it out to begin anew.") from None

    def page(self, items: list[Any], total: int, cursor: Callable[[], str]) -> ListResponse:
        """Return the page; `cursor` is called for the next cursor if there may be more rows."""
        more = len(items) == self.limit
        offset = 0 if self.cursor is not None else self.offset
        return ListResponse(items, total, self.limit, offset, cursor() if more else None)


# Async, though they wait for nothing: FastAPI hands other dependencies, classes too, to a thread:
# https://fastapi.tiangolo.com/async/#dependencies.
async def _read_paging(
    limit: Annotated[int, Query(ge=1, le=500, description="Maximum number of items.")] = 100,
    offset: Annotated[int, Query(ge=0, le=10_000, description="Number of items to skip; ignored with a cursor.")] = 0,
    cursor: Annotated[str | None, Query(max_length=500, description="`next_cursor` of the previous page.")] = None,
) -> Paging:
    return Paging(limit, offset, cursor)


async def _read_offset(
    limit: Annotated[int, Query(ge=1, le=500, description="Maximum number of items.")] = 100,
    offset: Annotated[int, Query(ge=0, le=10_000, description="Number of items to skip.")] = 0,
) -> Paging:
    return Paging(limit, offset, None)


PageQuery = Annotated[Paging, Depends(_read_paging)]
OffsetQuery = Annotated[Paging, Depends(_read_offset)]  # for lists that are never long


def write_cursor(order: str, *values: object) -> str:
    """Return a cursor that holds the end of a page: numbers and strings."""
    return base64.urlsafe_b64encode(orjson.dumps([order, *values])).rstrip(b"=").decode()


def write_time_cursor(order: str, moment: datetime, number: int) -> str:
    """Return the cursor of a list ordered by time, then by number."""
    return write_cursor(order, (moment - _EPOCH) // timedelta(microseconds=1), number)


def read_cursor(cursor: str, order: str, *types: type) -> tuple[Any, ...]:
    """Return the values in a cursor of this order. Raises HTTPException 400 if the cursor is not valid for it."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        found, *values = orjson.loads(base64.b64decode(padded, b"-_", validate=True))
    except (ValueError, TypeError, binascii.Error):
        found, values = None, []
    fits = len(values) == len(types) and all(map(_fits, values, types))
    if found != order or not fits:
        raise HTTPException(400, "This cursor is not of this list and order: leave it out to begin anew.")
    return tuple(values)


class ListTotals:
    """Counts for `total`: exact while counting is cheap, else used again for fifty times as long as it took."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: OrderedDict[Hashable, tuple[int, float]] = OrderedDict()

    async def get(self, key: Hashable, count: Callable[[], Awaitable[int]]) -> int:
        """Return the count of `key`, which identifies list and filter."""
        known = self._known.get(key)
        began = self._clock()
        if known is not None and began < known[1]:
            return known[0]
        total = await count()
        took = self._clock() - began
        if took > _CHEAP:
            self._known[key] = (total, self._clock() + took * _SHARE)
            self._known.move_to_end(key)
            if len(self._known) > _KNOWN_LIMIT:
                self._known.popitem(last=False)
        else:
            self._known.pop(key, None)
        return total


def _fits(value: object, kind: type) -> bool:
    if kind is int:
        return type(value) is int and -(2**63) <= value < 2**63
    return isinstance(value, kind) and "\0" not in str(value)
