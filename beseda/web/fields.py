"""Types of fields and parameters that several routes share. Values out of bounds are rejected before they cost work."""

import re
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Path, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import PydanticCustomError
from starlette.exceptions import HTTPException

from beseda.locales import languages

HIGHEST = 2**63 - 1  # what BIGINT holds
_LOST_PLUS = re.compile(r"\d \d\d:?\d\d$")


class StrictModel(BaseModel):
    """The body of a request; unknown fields are rejected."""

    model_config = ConfigDict(extra="forbid")


def without_nul(text: str) -> str:
    """Return `text`. Raises ValueError if it contains NUL, which no database accepts."""
    if "\0" in text:
        raise ValueError("NUL is no character of a text")
    return text


def _check_language(value: str) -> str:
    if value not in languages():
        expected = " or ".join(f"'{language}'" for language in languages())
        raise PydanticCustomError("literal_error", "Input should be {expected}", {"expected": expected})
    return value


Language = Annotated[
    str,
    AfterValidator(_check_language),
    # As a function: an owner's languages are known after the settings are read.
    Field(json_schema_extra=lambda schema: schema.update(enum=list(languages()))),
]


def _read_moment(given: object, read: ValidatorFunctionWrapHandler) -> datetime:
    # In an address a plus sign is a space: https://url.spec.whatwg.org/#urlencoded-parsing.
    if isinstance(given, str) and _LOST_PLUS.search(given):
        raise ValueError("the plus sign of the time zone became a space: write %2B03:00 for +03:00")
    moment: datetime = read(given)
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("this time is before the first year or after the last one in UTC") from None


RowId = Annotated[int, Path(ge=1, le=HIGHEST, description="The number of the row.")]
# Numbers of 63 bits travel as text: JavaScript would round them.
LongId = Annotated[
    str, Path(pattern=r"^[1-9][0-9]{0,18}$", description="A number of up to 63 bits.", examples=["123456789012345678"])
]
BotName = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_-]{0,63}$", description="The bot's name.", examples=["sales"])]
BotQuery = Annotated[
    str | None, Query(pattern=r"^[a-z][a-z0-9_-]{0,63}$", description="Of this bot only.", examples=["sales"])
]
UserQuery = Annotated[
    int | None, Query(ge=1, le=HIGHEST, description="Of this Telegram user only.", examples=[700000001])
]
Moment = Annotated[datetime, WrapValidator(_read_moment)]
Line = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(without_nul)]
Words = Annotated[str, Field(min_length=1, max_length=10_000), AfterValidator(without_nul)]


def read_long_id(text: str) -> int:
    """Return the number of a LongId. Raises HTTPException 404 beyond 63 bits: there is no such thing."""
    number = int(text)
    if number > HIGHEST:
        raise HTTPException(404)
    return number
