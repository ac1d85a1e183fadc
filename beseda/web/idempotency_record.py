"""An answer that is given again to a request that comes again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

KEPT = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Repeatable:
    """A request that may be repeated: the id of its API key, its idempotency key, and a hash of its content."""

    key_id: int
    idempotency_key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """The stored response to the first request with an idempotency key; `status` is 0 until it is complete."""

    fingerprint: str
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
