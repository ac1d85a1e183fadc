"""The interface for sending events to addresses chosen by others."""

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
class HookResponse:
    """The result of a request: `status` is None without an answer, `error` is empty if the event was accepted.

    `retry_after` is the number of seconds for which the receiver asks for no requests.
    """

    status: int | None
    error: str = ""
    retry_after: float | None = None


class WebhookSender(Protocol):
    """Sends events. Never follows redirects, never raises for errors of the receiver."""

    async def send(self, hook: Hook) -> HookResponse:
        """Send a request and return its result."""
        ...

    def find_fault(self, url: str) -> str:
        """Return a sentence that describes why an address is rejected, or an empty string if it is allowed."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...
