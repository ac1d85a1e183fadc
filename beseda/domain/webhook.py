"""Who is told of events, and how far each telling has come."""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from beseda.domain.event import Event, EventType

MOST_TRIES = 10
KEY_PREFIX = "whsec_"
GONE = 410  # https://www.rfc-editor.org/rfc/rfc9110#status.410: the receiver wants no more


class DeliveryState(StrEnum):
    """How far a delivery has come: on its way, taken, or given up and kept to be sent again by hand."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address that is told of events: of one bot or ("") of all, of some types or (empty) of all.

    One that is not active is told of nothing; `reason` says why where it was not the owner. The key that signs is made
    of the `salt`. Nothing is sent to it before `resting_until`; `silences` is how often it has not answered in a row.
    """

    id: int
    url: str
    bot: str
    types: tuple[EventType, ...]
    description: str
    active: bool
    reason: str
    salt: str
    created_at: datetime
    updated_at: datetime
    resting_until: datetime | None = None
    silences: int = 0


@dataclass(frozen=True, slots=True)
class EndpointChange:
    """What is to change of an endpoint; None leaves it as it is."""

    url: str | None = None
    bot: str | None = None
    types: tuple[EventType, ...] | None = None
    description: str | None = None
    active: bool | None = None
    salt: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far the telling of an event has come. `status` is the last answer's, `error` what was wrong with it."""

    id: int
    endpoint_id: int
    event: Event
    state: DeliveryState
    attempts: int
    due_at: datetime
    status: int | None
    error: str
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """A delivery to be made now; `is_private` where the person has taken back their consent."""

    delivery: Delivery
    is_private: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a try: the state from now on, and when to try again where it is pending."""

    state: DeliveryState
    due_at: datetime
    status: int | None = None
    error: str = ""


def derive_key(secret: str, salt: str) -> str:
    """Return the signing key of an endpoint, derived from the owner's secret: the database holds no key.

    Behind `whsec_` stand 64 hexadecimal digits. Standard Webhooks read them as base64, which makes a key of 48 bytes.
    """
    return KEY_PREFIX + hmac.new(secret.encode(), f"webhook:{salt}".encode(), hashlib.sha256).hexdigest()


def sign(key: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return one signature of the header `webhook-signature`; `timestamp` is in seconds since 1970.

    Source: https://github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md.
    """
    signed = b"%b.%d.%b" % (message_id.encode(), timestamp, body)
    digest = hmac.new(base64.b64decode(key.removeprefix(KEY_PREFIX)), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def sign_legacy(key: str, timestamp: int, body: bytes) -> str:
    """Return the deprecated header `Beseda-Signature`, which goes away with version 0.2."""
    digest = hmac.new(key.encode(), b"%d.%b" % (timestamp, body), hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"
