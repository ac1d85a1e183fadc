"""Endpoints that receive events, and the state of each delivery."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from beseda.engine.events.model import Event, EventType

MOST_TRIES = 10
GONE = 410  # https://www.rfc-editor.org/rfc/rfc9110#status.410: the receiver wants no more


class DeliveryState(StrEnum):
    """How far a delivery has come: on its way, taken, or given up and kept to be sent again by hand."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """An address that receives events: of one bot or ("") of all, of some types or (empty) of all.

    An inactive endpoint receives nothing; `reason` is set if it was not deactivated by the owner. The signing key is
    derived from the `salt` and the secret with the `fingerprint`; the key before it is valid until `old_key_until`.

    Nothing is sent before `resting_until` (backoff). `silences` counts consecutive batches that the receiver left
    unanswered or deferred with `Retry-After`.
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
    fingerprint: str = ""
    old_salt: str = ""
    old_fingerprint: str = ""
    old_key_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """An endpoint to be registered, with the inputs of its key."""

    url: str
    salt: str
    fingerprint: str
    bot: str = ""
    types: tuple[EventType, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class KeyChange:
    """The inputs of the next key of an endpoint, and the time until which the present key stays valid."""

    salt: str
    fingerprint: str
    old_key_until: datetime


@dataclass(frozen=True, slots=True)
class EndpointChange:
    """A change of an endpoint; None leaves a field as it is."""

    url: str | None = None
    bot: str | None = None
    types: tuple[EventType, ...] | None = None
    description: str | None = None
    active: bool | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class EventDelivery:
    """The state of an event's delivery. `status` is that of the last response, `error` the fault of it."""

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
    """A delivery to be made now; `is_private` is true if the person has revoked their consent."""

    delivery: EventDelivery
    is_private: bool = False


@dataclass(frozen=True, slots=True)
class DeliveryOutcome:
    """The outcome of an attempt: the new state, and the time of the next attempt if it is pending."""

    state: DeliveryState
    due_at: datetime
    status: int | None = None
    error: str = ""
