"""What sends events to addresses that somebody else has chosen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Hook:
    """A POST request."""

    url: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: `status` is None where nothing did, `error` is empty where it was taken.

    `retry_after` is how many seconds the receiver asks to be left alone.
    """

    status: int | None
    error: str = ""
    retry_after: float | None = None


class WebhookSender(Protocol):
    """Sends events. Never follows anybody elsewhere, never raises for what the other side does."""

    async def send(self, hook: Hook) -> Reply:
        """Send a request and return what came back."""
        ...

    def find_fault(self, url: str) -> str:
        """Return why an address is never sent to, in a sentence; empty where it may be."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...
