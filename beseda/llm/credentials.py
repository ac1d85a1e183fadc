"""What makes an endpoint let us in."""

from collections.abc import Mapping
from typing import Protocol

from beseda.llm.http import HttpClient


class Credentials(Protocol):
    """The headers that prove who asks. They may have to be fetched first, and may run out."""

    async def fetch_headers(self, http: HttpClient) -> Mapping[str, str]:
        """Return the headers of a request. Raises RemoteError where they have to be fetched and cannot be."""
        ...

    def reject(self, headers: Mapping[str, str]) -> bool:
        """Take back headers that the endpoint refused (401); return whether others may be had."""
        ...


class KeyCredentials:
    """A key that stays what it is; without one nothing is sent."""

    def __init__(self, key: str) -> None:
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    async def fetch_headers(self, http: HttpClient) -> Mapping[str, str]:
        """Return the key as a header."""
        return self._headers

    def reject(self, headers: Mapping[str, str]) -> bool:
        """There is no other key."""
        return False
