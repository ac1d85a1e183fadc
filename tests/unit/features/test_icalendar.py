"""Files for a calendar: written by a library, read by a second reader that follows RFC 5545."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from beseda.engine.calendar import Calendar
from beseda.features.meetings.icalendar import write_invitation
from beseda.features.meetings.model import Guest, Meeting, MeetingState, cancel, confirm, move
from beseda.locales import Text
from tests.parts.ics_reader import read_ics, unescape

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
NOON = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
CALENDAR = Calendar(ZoneInfo("Europe/Moscow"), {}, title=Text(ru="Консультация: Продажи", en="Consultation: Sales"))
TENTATIVE = Meeting(
    id=7,
    bot="sales",
    lead_id=12,
    span=CALENDAR.span(NOON),
    state=MeetingState.TENTATIVE,
    uid="0c9d@beseda",
    created_at=NOW,
    updated_at=NOW,
    held_until=NOW + timedelta(minutes=15),
    guest=Guest(5, "Анна"),
)


def test_invitation_names_time_and_persons() -> None:
    found = read_ics(write_invitation(confirm(TENTATIVE, CALENDAR, NOW), CALENDAR, "ru", for_owner=True))
    [event] = found.inner
    assert (found.name, found["VERSION"], found["METHOD"]) == ("VCALENDAR", "2.0", "REQUEST")
    assert (event["DTSTART"], event["DTEND"]) == ("20261124T090000Z", "20261124T100000Z")
    assert (event["UID"], event["SEQUENCE"], event["STATUS"]) == ("0c9d@beseda", "0", "CONFIRMED")
    assert unescape(event["SUMMARY"]) == "Консультация: Продажи: Анна"
    assert event.parameters("ATTENDEE")["CN"] == "Анна"
    assert event["DTSTAMP"] == "20261120T090000Z"
    assert [alarm["TRIGGER"] for alarm in event.inner] == ["-P1D", "-PT1H"]
    assert {alarm["ACTION"] for alarm in event.inner} == {"DISPLAY"}


def test_addresses_of_both_sides_stand_in_the_file_if_known() -> None:
    known = replace(TENTATIVE, guest=Guest(5, "Анна", "+79991234567, a@b.ru", "a@b.ru"))
    for calendar, organizer in ((CALENDAR, "invalid:nomail"), (replace(CALENDAR, mail="o@b.ru"), "mailto:o@b.ru")):
        [event] = read_ics(write_invitation(known, calendar, "ru", for_owner=True)).inner
        assert (event["ORGANIZER"], event["ATTENDEE"]) == (organizer, "mailto:a@b.ru")
        assert unescape(event["DESCRIPTION"]) == "Анна, +79991234567, a@b.ru. Лид № 12."
    [event] = read_ics(write_invitation(TENTATIVE, CALENDAR, "en")).inner
    assert (event["ATTENDEE"], "/meetings" in event["DESCRIPTION"]) == ("invalid:nomail", True)


def test_guest_is_not_named_to_themselves() -> None:
    [event] = read_ics(write_invitation(TENTATIVE, CALENDAR, "en")).inner
    assert (event["SUMMARY"], event["STATUS"]) == ("Consultation: Sales", "TENTATIVE")


def test_change_keeps_the_name_and_raises_the_number() -> None:
    steps = [confirm(TENTATIVE, CALENDAR, NOW)]
    steps.append(move(steps[-1], CALENDAR.span(NOON + timedelta(days=1)), CALENDAR, NOW))
    steps.append(cancel(steps[-1], NOW))
    files = [read_ics(write_invitation(step, CALENDAR, "en")) for step in steps]
    events = [file.inner[0] for file in files]
    assert [file["METHOD"] for file in files] == ["REQUEST", "REQUEST", "CANCEL"]
    assert [event["SEQUENCE"] for event in events] == ["0", "1", "2"]
    assert {event["UID"] for event in events} == {"0c9d@beseda"}
    assert (events[2]["STATUS"], events[2].inner) == ("CANCELLED", [])


def test_address_of_the_host_is_given_if_known() -> None:
    [event] = read_ics(write_invitation(TENTATIVE, replace(CALENDAR, mail="a@b.ru", place="Zoom"), "en")).inner
    assert (event["ORGANIZER"], event["LOCATION"]) == ("mailto:a@b.ru", "Zoom")
    assert read_ics(write_invitation(TENTATIVE, CALENDAR, "en")).inner[0]["ORGANIZER"] == "invalid:nomail"


def test_same_state_gives_the_same_bytes() -> None:
    assert write_invitation(TENTATIVE, CALENDAR, "ru") == write_invitation(TENTATIVE, CALENDAR, "ru")


@given(st.text(min_size=1, max_size=200), st.text(max_size=200), st.booleans())
def test_whatever_people_are_called_the_file_stays_whole(name: str, place: str, for_owner: bool) -> None:
    meeting = replace(TENTATIVE, guest=Guest(5, name))
    calendar = replace(CALENDAR, place=place)
    [event] = read_ics(write_invitation(meeting, calendar, "ru", for_owner=for_owner)).inner
    assert event.names().count("UID") == 1
    if name.isprintable() and for_owner:
        assert unescape(event["SUMMARY"]) == f"Консультация: Продажи: {name}"
    if place.isprintable() and place:
        assert unescape(event["LOCATION"]) == place


def test_text_that_no_file_may_hold_is_left_out() -> None:
    meeting = replace(TENTATIVE, guest=Guest(5, "Анна\x00\ud800\r\nLOCATION:elsewhere", "", "a@b.ru\r\nX:1"))
    [event] = read_ics(write_invitation(meeting, CALENDAR, "ru", for_owner=True)).inner
    assert unescape(event["SUMMARY"]) == "Консультация: Продажи: Анна ?\nLOCATION:elsewhere"
    assert event["ATTENDEE"] == "mailto:a@b.ru X:1"
    assert "LOCATION" not in event.names()


def test_name_with_everything_special_in_it_comes_back() -> None:
    name = 'Ада "Л\\авлейс", графиня; 1-я 👩‍👩‍👧‍👦 ' * 5
    meeting = replace(TENTATIVE, guest=Guest(5, name))
    [event] = read_ics(write_invitation(meeting, CALENDAR, "ru", for_owner=True)).inner
    assert unescape(event["SUMMARY"]) == f"Консультация: Продажи: {name}"
