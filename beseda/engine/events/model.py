"""Events of leads, meetings and conversations: stored with the change they report, and delivered to subscribers.

An event is written in the transaction of its change (outbox). Therefore no event is lost, and none reports a change
that was rolled back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class EventType(StrEnum):
    """Everything that can be subscribed to."""

    LEAD_CREATED = "lead.created"
    LEAD_CHANGED = "lead.changed"
    LEAD_STAGE_CHANGED = "lead.stage_changed"
    LEAD_MERGED = "lead.merged"
    LEAD_UNMERGED = "lead.unmerged"
    LEAD_POSSIBLE_DUPLICATE = "lead.possible_duplicate"
    LEAD_DELETED = "lead.deleted"
    CONSENT_GIVEN = "consent.given"
    CONSENT_REVOKED = "consent.revoked"
    MEETING_SCHEDULED = "meeting.scheduled"
    MEETING_MOVED = "meeting.moved"
    MEETING_CANCELLED = "meeting.cancelled"
    MEETING_EXPIRED = "meeting.expired"
    MEETING_SUMMARY_GENERATED = "meeting.summary_generated"
    MESSAGE_RECEIVED = "message.received"
    CONVERSATION_STARTED = "conversation.started"
    CONVERSATION_SUMMARY_CREATED = "conversation.summary_created"


@dataclass(frozen=True, slots=True)
class NewEvent:
    """Something that is happening in the transaction under way; `data` is JSON."""

    type: EventType
    bot: str
    lead_id: int | None = None
    user_id: int | None = None
    data: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that has happened. Ids rise in the order of writing."""

    id: int
    type: EventType
    bot: str
    lead_id: int | None
    user_id: int | None
    data: Mapping[str, object]
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Conditions for a list of events; None matches all. An empty `lead_ids` matches all leads."""

    bot: str | None = None
    type: EventType | None = None
    user_id: int | None = None
    lead_ids: tuple[int, ...] = ()
    since: datetime | None = None
    until: datetime | None = None


# What may be told of somebody who has taken back their consent: numbers, states and times, nothing they said.
_IMPERSONAL = frozenset(
    {
        "lead_id",
        "user_id",
        "into",
        "merged",
        "unmerged",
        "left",
        "possible_duplicates",
        "actor",
        "kind",
        "status",
        "stage",
        "old_stage",
        "new_stage",
        "owner",
        "source",
        "fit_score",
        "version",
        "meeting_id",
        "scheduled_at",
        "starts_at",
        "ends_at",
        "old_starts_at",
        "expires_at",
        "given_at",
        "revoked_at",
        "conversation_id",
        "message_id",
    }
)


def redact(data: Mapping[str, object]) -> Mapping[str, object]:
    """Return the data of an event without anything that identifies the person or contains their words."""
    kept = {name: value for name, value in data.items() if name in _IMPERSONAL}
    return {**kept, "redacted": True}
