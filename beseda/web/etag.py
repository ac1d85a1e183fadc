"""Versions of resources: `ETag` on responses, `If-Match` on changes."""

import re
from collections.abc import Mapping, Set
from typing import Annotated, Any

from fastapi import Depends, Header
from starlette.exceptions import HTTPException

_TAG = r'(?:W/)?"([0-9]{1,18})"'
_TAGS = re.compile(rf"{_TAG}(?:\s*,\s*{_TAG})*")
ETAG: Mapping[str, Any] = {
    "ETag": {"description": "The version, for `If-Match`.", "schema": {"type": "string"}, "example": '"3"'}
}


def tag(version: int) -> dict[str, str]:
    """Return the header of an answer that shows this version."""
    return {"ETag": f'"{version}"'}


async def _read_if_match(
    if_match: Annotated[
        str | None,
        Header(max_length=100, description='The version to be changed, as in `ETag`: `"3"`, or a list of them.'),
    ] = None,
) -> Set[int] | None:
    """Return the versions that a change is meant for, or None if any version matches.

    Raises HTTPException 412 for a value that this API did not issue.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    if _TAGS.fullmatch(if_match.strip()) is None:
        raise HTTPException(412, "If-Match is not a version that this API has given out.")
    return {int(number) for number in re.findall(_TAG, if_match)}


IfMatch = Annotated[Set[int] | None, Depends(_read_if_match)]
