"""An answer that is given again to a request that comes again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

KEPT = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Repeatable:
    """A request that may come again: whose, under which key, and what it says, as a hash."""

    key_id: int
    idempotency_key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What the first request of its key was answered; `status` is 0 while it is still worked on."""

    fingerprint: str
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
