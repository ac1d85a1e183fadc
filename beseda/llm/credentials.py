"""Credentials of model endpoints."""

from collections.abc import Mapping
from typing import Protocol

from beseda.http.client import HttpClient


class Credentials(Protocol):
    """Headers that authenticate a request. They may have to be fetched first, and may expire."""

    async def fetch_headers(self, http: HttpClient) -> Mapping[str, str]:
        """Return the headers of a request. Raises RemoteError if they cannot be fetched."""
        ...

    def reject(self, headers: Mapping[str, str]) -> bool:
        """Discard headers that the endpoint refused (401). Return whether new ones can be fetched."""
        ...


class KeyCredentials:
    """A static API key. Without a key no header is sent."""

    def __init__(self, key: str) -> None:
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    async def fetch_headers(self, http: HttpClient) -> Mapping[str, str]:
        """Return the key as a header."""
        return self._headers

    def reject(self, headers: Mapping[str, str]) -> bool:
        """Return False: there is no other key."""
        return False
