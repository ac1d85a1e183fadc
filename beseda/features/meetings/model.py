"""A meeting with a lead: held for a quarter of an hour, then confirmed, moved, over.

    tentative ──► confirmed ──► done
      │    │          │
      │    └──────────┴───► cancelled
      └► expired

Moving keeps the state. Steps are idempotent: each returns the meeting unchanged if the step has been taken already. The
steps are pure functions; the repository applies them in one transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from beseda.core.errors import MeetingOverError
from beseda.engine.calendar import Calendar, TimeSpan
from beseda.engine.events.model import EventType
from beseda.engine.updates.model import StoredUpdate

HOLD = timedelta(minutes=15)  # how long a slot is kept for somebody who has not confirmed
MOST_AHEAD = 3  # meetings that one lead may have before them: a calendar is not one person's
CARD, EXPIRED, REMINDER, SUMMARY = "meeting_card", "meeting_expired", "meeting_reminder", "meeting_summary"


class MeetingState(StrEnum):
    """How far a meeting has come."""

    TENTATIVE = "tentative"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    DONE = "done"

    @property
    def is_active(self) -> bool:
        """Whether the meeting keeps its time from others."""
        return self in {MeetingState.TENTATIVE, MeetingState.CONFIRMED}


@dataclass(frozen=True, slots=True)
class Guest:
    """The person of a meeting: Telegram id, 0 without one, and name, contact and mail address as far as known."""

    user_id: int = 0
    name: str = ""
    contact: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class NewMeeting:
    """A meeting to be booked. `uid` identifies it in all calendars (RFC 5545 section 3.8.4.7)."""

    bot: str
    lead_id: int
    span: TimeSpan
    uid: str
    owner: str = ""


@dataclass(frozen=True, slots=True)
class LeadPlace:
    """A lead to book for, and its bot."""

    bot: str
    lead_id: int


@dataclass(frozen=True, slots=True)
class Meeting:
    """A meeting as the record has it.

    `owner` names the calendar within the bot; a bot has one so far, called "". `held_until` is set while tentative,
    `remind_at` while a reminder is to come. `sequence` counts the changes that calendars must learn of.
    """

    id: int
    bot: str
    lead_id: int
    span: TimeSpan
    state: MeetingState
    uid: str
    created_at: datetime
    updated_at: datetime
    owner: str = ""
    sequence: int = 0
    held_until: datetime | None = None
    remind_at: datetime | None = None
    guest: Guest = field(default=Guest())

    @property
    def starts_at(self) -> datetime:
        """When it begins, in UTC."""
        return self.span.start

    @property
    def ends_at(self) -> datetime:
        """When it ends, in UTC."""
        return self.span.end

    def is_overdue(self, now: datetime) -> bool:
        """Whether the time for its confirmation has passed."""
        return self.state is MeetingState.TENTATIVE and self.held_until is not None and self.held_until <= now


@dataclass(frozen=True, slots=True)
class MeetingSummary:
    """The briefing for the owner before a meeting. `facts` are the lead's words with their source messages."""

    meeting_id: int
    text: str
    facts: Sequence[Mapping[str, object]]
    model: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class MeetingFilter:
    """Conditions for a list of meetings; None matches all. `since` and `until` bound their beginning."""

    bot: str | None = None
    lead_id: int | None = None
    state: MeetingState | None = None
    since: datetime | None = None
    until: datetime | None = None
    user_id: int | None = None


@dataclass(frozen=True, slots=True)
class MeetingPage:
    """Which piece of a list, earliest first: behind the meeting at `after` (beginning and id), else from `offset`."""

    limit: int = 100
    offset: int = 0
    after: tuple[datetime, int] | None = None


@dataclass(frozen=True, slots=True)
class MeetingList:
    """A page of a list, the total number, and the start of the next page, or None if there is none."""

    items: Sequence[Meeting]
    total: int
    after: tuple[datetime, int] | None = None


@dataclass(frozen=True, slots=True)
class Diary:
    """The data of a bot that makes appointments: its calendar, and its model."""

    calendar: Calendar
    model: str = ""


@dataclass(frozen=True, slots=True)
class Happening:
    """The effects of a step: the event for the outbox, and the notice for the chats."""

    event: EventType | None = None
    notice: str = ""
    tells_owner: bool = True


@dataclass(frozen=True, slots=True)
class Booked:
    """A meeting after a step, and the notices that were stored with it."""

    meeting: Meeting
    notices: Sequence[StoredUpdate] = ()


def confirm(meeting: Meeting, calendar: Calendar | None, now: datetime) -> Meeting:
    """Return the meeting as confirmed; a confirmed meeting stays as it is.

    Raises MeetingOverError if it is cancelled or over, has begun, or was not confirmed in time.
    """
    if meeting.state is MeetingState.CONFIRMED:
        return meeting
    _need_active(meeting, now)
    remind_at = calendar.next_reminder(meeting.starts_at, now) if calendar is not None else None
    return replace(meeting, state=MeetingState.CONFIRMED, held_until=None, remind_at=remind_at)


def move(meeting: Meeting, span: TimeSpan, calendar: Calendar, now: datetime) -> Meeting:
    """Return the meeting at another time.

    Raises MeetingOverError if it is cancelled or over, has begun, or was not confirmed in time.
    """
    _need_active(meeting, now)
    if meeting.span == span:
        return meeting
    moved = replace(meeting, span=span, sequence=meeting.sequence + 1)
    if meeting.state is MeetingState.TENTATIVE:
        return replace(moved, held_until=now + HOLD)
    return replace(moved, remind_at=calendar.next_reminder(span.start, now))


def cancel(meeting: Meeting, now: datetime) -> Meeting:
    """Return the meeting as cancelled; one that has expired stays as it is. Raises MeetingOverError once it began."""
    if meeting.state in {MeetingState.CANCELLED, MeetingState.EXPIRED}:
        return meeting
    if not meeting.state.is_active or meeting.starts_at <= now:
        raise MeetingOverError(f"meeting {meeting.id} has begun")
    ended = replace(meeting, held_until=None, remind_at=None, sequence=meeting.sequence + 1)
    return replace(ended, state=MeetingState.CANCELLED)


def pass_time(meeting: Meeting, calendar: Calendar | None, now: datetime) -> Meeting:
    """Return the meeting after time has passed: expired, done, with its next reminder, or unchanged."""
    if meeting.is_overdue(now):
        return replace(meeting, state=MeetingState.EXPIRED, held_until=None)
    if meeting.state is not MeetingState.CONFIRMED:
        return meeting
    if meeting.ends_at <= now:
        return replace(meeting, state=MeetingState.DONE, remind_at=None)
    if meeting.remind_at is None or meeting.remind_at > now:
        return meeting
    upcoming = calendar.next_reminder(meeting.starts_at, now) if calendar is not None else None
    return replace(meeting, remind_at=upcoming)


def tell(before: Meeting | None, after: Meeting) -> Happening:
    """Return the effects of the step from one state of a meeting to the next."""
    if before is None:
        return Happening(EventType.MEETING_SCHEDULED)
    if after.state is not before.state:
        was_confirmed = before.state is MeetingState.CONFIRMED
        return {
            MeetingState.CONFIRMED: Happening(EventType.MEETING_SCHEDULED, CARD),
            MeetingState.CANCELLED: Happening(EventType.MEETING_CANCELLED, CARD if was_confirmed else ""),
            MeetingState.EXPIRED: Happening(EventType.MEETING_EXPIRED, EXPIRED, tells_owner=False),
        }.get(after.state, Happening())
    if after.span != before.span:
        return Happening(EventType.MEETING_MOVED, CARD if after.state is MeetingState.CONFIRMED else "")
    if after.remind_at != before.remind_at and after.updated_at < after.starts_at:
        return Happening(notice=REMINDER)  # of what has begun meanwhile, after an outage, nobody wants one
    return Happening()


def _need_active(meeting: Meeting, now: datetime) -> None:
    if not meeting.state.is_active or meeting.is_overdue(now) or meeting.starts_at <= now:
        raise MeetingOverError(f"meeting {meeting.id} is {meeting.state.value}")
