"""The states of a meeting, and what the steps between them mean to others."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from beseda.core.errors import MeetingOverError
from beseda.engine.calendar import Calendar
from beseda.engine.events.model import EventType
from beseda.features.meetings.model import (
    CARD,
    EXPIRED,
    HOLD,
    MOST_AHEAD,
    REMINDER,
    Guest,
    Happening,
    Meeting,
    MeetingPage,
    MeetingState,
    cancel,
    confirm,
    move,
    pass_time,
    tell,
)

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
def test_ended_meeting_does_not_come_back(state: MeetingState) -> None:
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


def test_moving_a_held_meeting_holds_it_again() -> None:
    later = NOW + timedelta(minutes=10)
    moved = move(HELD, CALENDAR.span(NOON + HOLD), CALENDAR, later)
    assert (moved.held_until, moved.sequence, moved.state) == (later + HOLD, 1, MeetingState.TENTATIVE)
    assert tell(HELD, moved) == Happening(EventType.MEETING_MOVED)


def test_events_of_the_steps_for_subscribers() -> None:
    moved = move(HAD, CALENDAR.span(NOON + HOLD), CALENDAR, NOW)
    late = pass_time(HELD, CALENDAR, NOW + HOLD)
    assert tell(None, HELD) == Happening(EventType.MEETING_SCHEDULED)
    assert tell(HELD, HAD) == Happening(EventType.MEETING_SCHEDULED, CARD)
    assert tell(HAD, moved) == Happening(EventType.MEETING_MOVED, CARD)
    assert tell(HAD, cancel(HAD, NOW)) == Happening(EventType.MEETING_CANCELLED, CARD)
    assert tell(HELD, cancel(HELD, NOW)) == Happening(EventType.MEETING_CANCELLED)
    assert tell(HELD, late) == Happening(EventType.MEETING_EXPIRED, EXPIRED, tells_owner=False)


def test_reminder_missed_until_the_meeting_is_dropped() -> None:
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


def test_slot_is_held_for_a_quarter_of_an_hour_and_a_lead_has_three_meetings_at_most() -> None:
    assert HOLD.total_seconds() == 900
    assert MOST_AHEAD == 3


@pytest.mark.parametrize(
    ("state", "is_active"),
    [
        (MeetingState.TENTATIVE, True),
        (MeetingState.CONFIRMED, True),
        (MeetingState.CANCELLED, False),
        (MeetingState.EXPIRED, False),
        (MeetingState.DONE, False),
    ],
)
def test_meeting_keeps_its_time_until_it_is_over(state: MeetingState, is_active: bool) -> None:
    assert state.is_active is is_active


def test_usual_values_of_a_new_meeting() -> None:
    assert (HELD.owner, HELD.sequence, HELD.remind_at, HELD.guest) == ("", 0, None, Guest(0, "", ""))
    assert (HELD.starts_at, HELD.ends_at) == (NOON, NOON + timedelta(hours=1))
    assert MeetingPage() == MeetingPage(limit=100, offset=0, after=None)
    assert Happening() == Happening(None, "", tells_owner=True)


@pytest.mark.parametrize(
    ("meeting", "seconds", "overdue"),
    [
        (HELD, 899, False),
        (HELD, 900, True),
        (HAD, 900, False),
        (replace(HAD, held_until=NOW), 900, False),
        (replace(HELD, held_until=None), 10**6, False),
    ],
)
def test_meeting_is_overdue_from_the_second_its_hold_ends(meeting: Meeting, seconds: int, overdue: bool) -> None:
    now = NOW + timedelta(seconds=seconds)
    assert meeting.is_overdue(now) is overdue
    assert (pass_time(meeting, CALENDAR, now).state is MeetingState.EXPIRED) is overdue


def test_confirming_in_time_sets_the_first_reminder() -> None:
    assert replace(HELD, state=MeetingState.CONFIRMED, held_until=None, remind_at=NOON - timedelta(hours=24)) == HAD
    assert confirm(HELD, None, NOW).remind_at is None
    last = NOW + timedelta(seconds=899)
    assert confirm(HELD, CALENDAR, last).state is MeetingState.CONFIRMED
    with pytest.raises(MeetingOverError, match="meeting 7 is tentative"):
        confirm(HELD, CALENDAR, NOW + HOLD)


def test_meeting_may_be_confirmed_and_moved_until_it_begins() -> None:
    kept = replace(HELD, held_until=NOON + HOLD)
    before = NOON - timedelta(seconds=1)
    assert confirm(kept, CALENDAR, before).remind_at is None
    with pytest.raises(MeetingOverError):
        confirm(kept, CALENDAR, NOON)
    span = CALENDAR.span(NOON + timedelta(days=2))
    assert move(HAD, span, CALENDAR, before).span == span
    with pytest.raises(MeetingOverError, match="meeting 7 is confirmed"):
        move(HAD, span, CALENDAR, NOON)
    with pytest.raises(MeetingOverError, match="meeting 7 is tentative"):
        move(HELD, span, CALENDAR, NOW + HOLD)


def test_moving_sets_the_reminder_again() -> None:
    moved = move(HAD, CALENDAR.span(NOON + timedelta(days=2)), CALENDAR, NOW)
    assert moved == replace(
        HAD, span=CALENDAR.span(NOON + timedelta(days=2)), sequence=1, remind_at=NOON + timedelta(days=1)
    )
    again = move(moved, CALENDAR.span(NOON + timedelta(days=3)), CALENDAR, NOW)
    assert (again.sequence, again.remind_at) == (2, NOON + timedelta(days=2))


def test_cancelling_ends_holds_and_reminders_until_the_meeting_begins() -> None:
    moved = move(HAD, CALENDAR.span(NOON + timedelta(days=2)), CALENDAR, NOW)
    before = moved.starts_at - timedelta(seconds=1)
    ended = replace(moved, remind_at=None, state=MeetingState.CANCELLED, sequence=2)
    assert cancel(moved, before) == ended
    assert cancel(HELD, NOW) == replace(HELD, held_until=None, state=MeetingState.CANCELLED, sequence=1)
    with pytest.raises(MeetingOverError, match="meeting 7 has begun"):
        cancel(moved, moved.starts_at)
    with pytest.raises(MeetingOverError, match="meeting 7 has begun"):
        cancel(replace(HAD, state=MeetingState.DONE), NOW)
    for state in (MeetingState.CANCELLED, MeetingState.EXPIRED):
        over = replace(HAD, state=state)
        assert cancel(over, NOON + HOLD) is over


def test_hold_that_ends_leaves_nothing_to_wait_for() -> None:
    late = pass_time(HELD, CALENDAR, NOW + HOLD)
    assert late == replace(HELD, state=MeetingState.EXPIRED, held_until=None)
    assert pass_time(late, CALENDAR, NOON + timedelta(days=9)) is late
    assert pass_time(HELD, CALENDAR, NOW) is HELD


def test_time_brings_the_reminders_and_the_end() -> None:
    day, hour = NOON - timedelta(hours=24), NOON - timedelta(hours=1)
    second = timedelta(seconds=1)
    assert pass_time(HAD, CALENDAR, day - second) is HAD
    once = pass_time(HAD, CALENDAR, day)
    assert once == replace(HAD, remind_at=hour)
    twice = pass_time(once, CALENDAR, hour)
    assert twice == replace(HAD, remind_at=None)
    assert pass_time(twice, CALENDAR, HAD.ends_at - second) is twice
    assert pass_time(twice, CALENDAR, HAD.ends_at) == replace(HAD, remind_at=None, state=MeetingState.DONE)
    assert pass_time(HAD, None, day).remind_at is None


def test_steps_of_a_meeting_that_is_only_held_send_no_card() -> None:
    moved = move(HELD, CALENDAR.span(NOON + HOLD), CALENDAR, NOW)
    assert tell(HELD, moved) == Happening(EventType.MEETING_MOVED)
    assert tell(HELD, replace(HELD, held_until=NOON)) == Happening()
    done = pass_time(HAD, CALENDAR, HAD.ends_at)
    assert tell(HAD, done) == Happening()


@pytest.mark.parametrize(("seconds", "notice"), [(-1, REMINDER), (0, "")])
def test_reminder_is_sent_until_the_meeting_begins(seconds: int, notice: str) -> None:
    at = NOON + timedelta(seconds=seconds)
    assert tell(HAD, replace(HAD, remind_at=None, updated_at=at)) == Happening(notice=notice)
