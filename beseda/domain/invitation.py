"""A meeting as a file that every calendar programme reads: iCalendar (RFC 5545), as an invitation (RFC 5546)."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from beseda.domain.calendar import Calendar
from beseda.domain.meeting import Meeting, MeetingState
from beseda.locales import Text

_WIDTH = 75  # octets of a line without its break: RFC 5545 section 3.1
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
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
    """Return the file; of a meeting that is off, one that takes it out of the calendar again.

    The owner's says whom the meeting is with. The same state gives the same bytes.
    """
    return b"".join(_fold(line) for line in _lines(meeting, calendar, language, for_owner=for_owner))


def _lines(meeting: Meeting, calendar: Calendar, language: str, *, for_owner: bool) -> Iterator[str]:
    title, status = calendar.title.say(language), _STATUS[meeting.state]
    is_off = status == "CANCELLED"
    yield "BEGIN:VCALENDAR"
    yield "VERSION:2.0"
    yield "PRODID:-//Beseda//Meetings//EN"
    yield "CALSCALE:GREGORIAN"
    yield f"METHOD:{'CANCEL' if is_off else 'REQUEST'}"
    yield "BEGIN:VEVENT"
    yield f"UID:{meeting.uid}"
    yield f"DTSTAMP:{_moment(meeting.updated_at)}"
    yield f"DTSTART:{_moment(meeting.starts_at)}"
    yield f"DTEND:{_moment(meeting.ends_at)}"
    yield f"SEQUENCE:{meeting.sequence}"
    yield f"STATUS:{status}"
    yield f"SUMMARY:{_escape(f'{title}: {meeting.guest.name}' if for_owner and meeting.guest.name else title)}"
    if calendar.place:
        yield f"LOCATION:{_escape(calendar.place)}"
    yield f"DESCRIPTION:{_escape(_describe(meeting, language, for_owner=for_owner))}"
    # Both are required of an invitation.
    guest = meeting.guest
    yield f"ORGANIZER;CN={_parameter(title)}:{_mail_to(calendar.mail)}"
    yield f"ATTENDEE;CN={_parameter(guest.name or '-')};ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED:{_mail_to(guest.email)}"
    if not is_off:
        for before in calendar.reminders:
            yield from _alarm(before, title)
    yield "END:VEVENT"
    yield "END:VCALENDAR"


def _describe(meeting: Meeting, language: str, *, for_owner: bool) -> str:
    if not for_owner:
        return _HOW_TO_CHANGE.say(language)
    guest = ", ".join(filter(None, (meeting.guest.name, meeting.guest.contact)))
    return _WITH.say(language, guest=guest or "-", lead=meeting.lead_id)


def _mail_to(address: str) -> str:
    """Return an address as a calendar takes it; for none, the placeholder of Apple's calendar."""
    return f"mailto:{address}" if address else "invalid:nomail"


def _alarm(before: timedelta, title: str) -> Iterator[str]:
    yield "BEGIN:VALARM"
    yield "ACTION:DISPLAY"
    yield f"TRIGGER:-PT{int(before.total_seconds()) // 60}M"
    yield f"DESCRIPTION:{_escape(title)}"
    yield "END:VALARM"


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _escape(text: str) -> str:
    for plain, escaped in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\r\n", "\\n"), ("\n", "\\n")):
        text = text.replace(plain, escaped)
    return _printable(text)


def _parameter(text: str) -> str:
    # A quoted value knows no escape for the quotation mark itself: section 3.2.
    return f'"{_printable(text.replace(chr(34), chr(39)))}"'


def _printable(text: str) -> str:
    return _CONTROL.sub(" ", text)


def _fold(line: str) -> bytes:
    """Return a line in pieces of at most 75 octets; no letter is cut in two."""
    pieces: list[bytes] = []
    piece = b""
    for letter in line:
        octets = letter.encode("utf-8", "replace")
        # Every piece but the first begins with a space, which counts.
        if len(piece) + len(octets) + bool(pieces) > _WIDTH:
            pieces.append(piece)
            piece = b""
        piece += octets
    return b"\r\n ".join([*pieces, piece]) + b"\r\n"
