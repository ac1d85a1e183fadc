"""A meeting as an iCalendar file (RFC 5545), in the form of an invitation or of its cancellation (RFC 5546)."""

from __future__ import annotations

import re
from datetime import UTC
from typing import TYPE_CHECKING

from beseda.features.meetings.model import Meeting, MeetingState
from beseda.locales import Text

if TYPE_CHECKING:
    from icalendar import Event, vCalAddress

    from beseda.engine.calendar import Calendar

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_HOW_TO_CHANGE = Text("invitation.how_to_change")
_WITH = Text("invitation.with")
_STATUS = {
    MeetingState.TENTATIVE: "TENTATIVE",
    MeetingState.CONFIRMED: "CONFIRMED",
    MeetingState.DONE: "CONFIRMED",
    MeetingState.CANCELLED: "CANCELLED",
    MeetingState.EXPIRED: "CANCELLED",
}


def write_invitation(meeting: Meeting, calendar: Calendar, language: str, *, for_owner: bool = False) -> bytes:
    """Return the file. For a cancelled or expired meeting it removes the event from the calendar.

    The owner's file names the guest. The same state gives the same bytes.
    """
    import icalendar  # noqa: PLC0415 - 60 ms of CPU, for the first file

    is_off = _STATUS[meeting.state] == "CANCELLED"
    file = icalendar.Calendar()
    file.add("prodid", "-//Beseda//Meetings//EN")
    file.add("version", "2.0")
    file.add("calscale", "GREGORIAN")
    file.add("method", "CANCEL" if is_off else "REQUEST")
    event = _write_event(meeting, calendar, language, for_owner=for_owner)
    for before in () if is_off else calendar.reminders:
        alarm = icalendar.Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("trigger", -before)
        alarm.add("description", _clean(calendar.title.say(language)))
        event.add_component(alarm)
    file.add_component(event)
    content: bytes = file.to_ical()
    return content


def _write_event(meeting: Meeting, calendar: Calendar, language: str, *, for_owner: bool) -> Event:
    import icalendar  # noqa: PLC0415

    title, guest = calendar.title.say(language), meeting.guest
    event = icalendar.Event()
    event.add("uid", meeting.uid)
    event.add("dtstamp", meeting.updated_at.astimezone(UTC))
    event.add("dtstart", meeting.starts_at.astimezone(UTC))
    event.add("dtend", meeting.ends_at.astimezone(UTC))
    event.add("sequence", meeting.sequence)
    event.add("status", _STATUS[meeting.state])
    event.add("summary", _clean(f"{title}: {guest.name}" if for_owner and guest.name else title))
    if calendar.place:
        event.add("location", _clean(calendar.place))
    event.add("description", _clean(_describe(meeting, language, for_owner=for_owner)))
    # Both are required of an invitation.
    event.add("organizer", _write_address(calendar.mail, title))
    answer = {"ROLE": "REQ-PARTICIPANT", "PARTSTAT": "ACCEPTED"}
    event.add("attendee", _write_address(guest.email, guest.name or "-"), parameters=answer)
    return event


def _describe(meeting: Meeting, language: str, *, for_owner: bool) -> str:
    if not for_owner:
        return _HOW_TO_CHANGE.say(language)
    guest = ", ".join(filter(None, (meeting.guest.name, meeting.guest.contact)))
    return _WITH.say(language, guest=guest or "-", lead=meeting.lead_id)


def _write_address(mail: str, name: str) -> vCalAddress:
    """Return a person's address; without a mail address, the placeholder of Apple's calendar."""
    from icalendar import vCalAddress  # noqa: PLC0415

    address = vCalAddress(f"mailto:{_clean_line(mail)}" if mail else "invalid:nomail")
    # The library would escape a quotation mark as RFC 6868 does, which many calendars show as it stands.
    address.params["CN"] = _clean_line(name).replace('"', "'")
    return address


def _clean(text: str) -> str:
    """Return a text without the characters that a file must not hold; line breaks stay."""
    return _CONTROL.sub(" ", text.replace("\r\n", "\n")).encode("utf-8", "replace").decode()


def _clean_line(text: str) -> str:
    return _clean(text).replace("\n", " ")
