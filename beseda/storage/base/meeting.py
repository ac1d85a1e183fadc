"""Meetings, as services see them."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeAlias

from beseda.domain.calendar import TimeSpan
from beseda.domain.conversation import Conversation
from beseda.domain.meeting import (
    Booked,
    LeadPlace,
    Meeting,
    MeetingFilter,
    MeetingList,
    MeetingPage,
    MeetingSummary,
    NewMeeting,
)

# From a meeting and the time it is to what the meeting becomes: itself where nothing changes.
Step: TypeAlias = Callable[[Meeting, datetime], Meeting]


class MeetingStore(Protocol):
    """Meetings and their time slots. Each method is one transaction and raises StorageError.

    The event and the notices of a step are written in the same transaction.
    """

    async def book(self, new: NewMeeting, move: Step) -> Booked:
        """Reserve a time for a lead. If the lead has a meeting already, return it, or move it here if it is tentative.

        `move` is the step for a move. Expired bookings of others are given up first. Raises NotFoundError for an
        unknown lead, SlotTakenError, and TooManyMeetingsError.
        """
        ...

    async def change(self, meeting_id: int, step: Step) -> Booked:
        """Apply a step to one meeting. Raises NotFoundError, SlotTakenError and the errors of the step."""
        ...

    async def pass_time(self, step: Step, *, limit: int) -> Sequence[Booked]:
        """Apply a step to every meeting that is due, at most `limit`, the earliest first."""
        ...

    async def find_lead(self, lead_id: int, user_id: int | None = None) -> LeadPlace | None:
        """Return the bot and id of a lead, or None if it does not exist.

        If a merged lead is shared by several people, `user_id` selects the lead of that person.
        """
        ...

    async def find_chat(self, bot: str, user_id: int) -> Conversation | None:
        """Return a person's private chat with a bot, or None if the person has never written to it."""
        ...

    async def find(self, meeting_id: int) -> Meeting | None:
        """Return a meeting, or None."""
        ...

    async def list(self, wanted: MeetingFilter, page: MeetingPage) -> MeetingList:
        """Return meetings, earliest first. Those of a lead include the meetings of leads that were merged into it."""
        ...

    async def taken(self, bot: str, owner: str, span: TimeSpan) -> set[int]:
        """Return the occupied cells of a calendar. An expired booking does not occupy its cells."""
        ...

    async def add_summary(self, summary: MeetingSummary) -> Booked | None:
        """Store a summary and notify the owner. Return None if the meeting already has one. Raises NotFoundError."""
        ...

    async def find_summary(self, meeting_id: int) -> MeetingSummary | None:
        """Return the summary of a meeting, or None."""
        ...

    async def unsummarised(self, *, limit: int) -> Sequence[Meeting]:
        """Return confirmed future meetings without a summary, the earliest first."""
        ...
