"""Who is told of events, and how far each telling has come."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from beseda.domain.event import Event, EventType

MOST_TRIES = 10
GONE = 410  # https://www.rfc-editor.org/rfc/rfc9110#status.410: the receiver wants no more


class DeliveryState(StrEnum):
    """How far a delivery has come: on its way, taken, or given up and kept to be sent again by hand."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """An address that is told of events: of one bot or ("") of all, of some types or (empty) of all.

    One that is not active is told of nothing; `reason` says why where it was not the owner. The key that signs is made
    of the `salt` and the secret with the `fingerprint`; the key before it is valid until `old_key_until`. Nothing is
    sent to it before `resting_until`; `silences` is how often it has not answered in a row.
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
    """An address that is to be told of events, with what its key is made of."""

    url: str
    salt: str
    fingerprint: str
    bot: str = ""
    types: tuple[EventType, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class KeyChange:
    """What the next key of an endpoint is made of, and until when the present one is valid as well."""

    salt: str
    fingerprint: str
    old_key_until: datetime


@dataclass(frozen=True, slots=True)
class EndpointChange:
    """What is to change of an endpoint; None leaves it as it is."""

    url: str | None = None
    bot: str | None = None
    types: tuple[EventType, ...] | None = None
    description: str | None = None
    active: bool | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class EventDelivery:
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

    delivery: EventDelivery
    is_private: bool = False


@dataclass(frozen=True, slots=True)
class DeliveryOutcome:
    """What became of a try: the state from now on, and when to try again where it is pending."""

    state: DeliveryState
    due_at: datetime
    status: int | None = None
    error: str = ""
