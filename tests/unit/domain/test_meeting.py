"""The states of a meeting, and what the steps between them mean to others."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from beseda.domain.calendar import Calendar
from beseda.domain.event import EventType
from beseda.domain.meeting import (
    CARD,
    EXPIRED,
    HOLD,
    REMINDER,
    Happening,
    Meeting,
    MeetingState,
    cancel,
    confirm,
    move,
    pass_time,
    tell,
)
from beseda.errors import MeetingOverError

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
NOON = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
CALENDAR = Calendar(ZoneInfo("Europe/Moscow"), {})
HELD = Meeting(
    id=7,
    bot="sales",
    lead_id=12,
    span=CALENDAR.span(NOON),
    state=MeetingState.TENTATIVE,
    uid="0c9d@beseda",
    created_at=NOW,
    updated_at=NOW,
    held_until=NOW + HOLD,
)
HAD = confirm(HELD, CALENDAR, NOW)


def test_step_that_was_taken_is_not_taken_again() -> None:
    gone = cancel(HAD, NOW)
    assert confirm(HAD, CALENDAR, NOW) is HAD
    assert move(HAD, HAD.span, CALENDAR, NOW) is HAD
    assert cancel(gone, NOW) is gone
    assert pass_time(HAD, CALENDAR, NOW) is HAD
    assert tell(HAD, HAD) == Happening()


@pytest.mark.parametrize("state", [MeetingState.CANCELLED, MeetingState.EXPIRED, MeetingState.DONE])
def test_what_is_over_does_not_come_back(state: MeetingState) -> None:
    over = replace(HAD, state=state)
    with pytest.raises(MeetingOverError):
        confirm(over, CALENDAR, NOW)
    with pytest.raises(MeetingOverError):
        move(over, CALENDAR.span(NOON + HOLD), CALENDAR, NOW)


def test_meeting_that_has_begun_stays() -> None:
    with pytest.raises(MeetingOverError):
        cancel(HAD, NOON)
    with pytest.raises(MeetingOverError):
        move(HAD, CALENDAR.span(NOON + HOLD), CALENDAR, NOON)
    assert pass_time(HAD, CALENDAR, HAD.ends_at).state is MeetingState.DONE


def test_moving_what_is_held_holds_it_anew() -> None:
    later = NOW + timedelta(minutes=10)
    moved = move(HELD, CALENDAR.span(NOON + HOLD), CALENDAR, later)
    assert (moved.held_until, moved.sequence, moved.state) == (later + HOLD, 1, MeetingState.TENTATIVE)
    assert tell(HELD, moved) == Happening(EventType.MEETING_MOVED)


def test_what_the_steps_mean_to_others() -> None:
    moved = move(HAD, CALENDAR.span(NOON + HOLD), CALENDAR, NOW)
    late = pass_time(HELD, CALENDAR, NOW + HOLD)
    assert tell(None, HELD) == Happening(EventType.MEETING_SCHEDULED)
    assert tell(HELD, HAD) == Happening(EventType.MEETING_SCHEDULED, CARD)
    assert tell(HAD, moved) == Happening(EventType.MEETING_MOVED, CARD)
    assert tell(HAD, cancel(HAD, NOW)) == Happening(EventType.MEETING_CANCELLED, CARD)
    assert tell(HELD, cancel(HELD, NOW)) == Happening(EventType.MEETING_CANCELLED)
    assert tell(HELD, late) == Happening(EventType.MEETING_EXPIRED, EXPIRED, tells_owner=False)


def test_reminder_slept_through_until_the_meeting_is_given_to_nobody() -> None:
    day_before, after = NOON - timedelta(hours=24), NOON + HOLD
    reminded = replace(pass_time(HAD, CALENDAR, day_before), updated_at=day_before)
    assert tell(HAD, reminded) == Happening(notice=REMINDER)
    assert tell(HAD, replace(pass_time(HAD, CALENDAR, after), updated_at=after)) == Happening()


class MeetingLife(RuleBasedStateMachine):
    """Any steps in any order, as time goes by."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.meeting, self.ended = NOW, HELD, False

    def take(self, after: Meeting) -> None:
        assert after.sequence >= self.meeting.sequence
        assert not (self.ended and after.state.is_active)
        self.meeting = after
        self.ended = not after.state.is_active

    @rule()
    def confirm(self) -> None:
        try:
            self.take(confirm(self.meeting, CALENDAR, self.now))
        except MeetingOverError:
            assert not self.meeting.state.is_active or self.meeting.is_overdue(self.now) or self.now >= NOON

    @rule()
    def move(self) -> None:
        try:
            self.take(move(self.meeting, CALENDAR.span(self.now + timedelta(hours=30)), CALENDAR, self.now))
        except MeetingOverError:
            assert not (self.meeting.state is MeetingState.CONFIRMED and self.now < self.meeting.starts_at)

    @rule()
    def cancel(self) -> None:
        try:
            self.take(cancel(self.meeting, self.now))
            assert not self.meeting.state.is_active
        except MeetingOverError:
            assert self.now >= self.meeting.starts_at

    @rule()
    def let_minutes_pass(self) -> None:
        self.now += timedelta(minutes=16)
        self.take(pass_time(self.meeting, CALENDAR, self.now))
        assert self.meeting.state is not MeetingState.TENTATIVE or not self.meeting.is_overdue(self.now)

    @rule()
    def let_a_day_pass(self) -> None:
        self.now += timedelta(hours=23)
        self.take(pass_time(self.meeting, CALENDAR, self.now))
        assert self.meeting.remind_at is None or self.meeting.remind_at > self.now

    @invariant()
    def holds_and_reminders_belong_to_their_states(self) -> None:
        state = self.meeting.state
        assert (self.meeting.held_until is not None) == (state is MeetingState.TENTATIVE)
        assert self.meeting.remind_at is None or state is MeetingState.CONFIRMED


TestMeetingLife = MeetingLife.TestCase
