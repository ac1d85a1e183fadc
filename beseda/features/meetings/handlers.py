"""Notifications to both sides of a meeting after any change: the calendar file, reminders and the summary."""

from beseda.core.errors import NotFoundError
from beseda.engine.context import Context
from beseda.engine.events.model import EventType
from beseda.engine.files.model import FileKind, FileOwner, NewFile
from beseda.engine.incoming import Notice
from beseda.engine.router import Router
from beseda.features.meetings.model import CARD, EXPIRED, REMINDER, SUMMARY, Meeting, MeetingState, MeetingSummary
from beseda.features.meetings.service import MeetingService
from beseda.locales import Text
from beseda.telegram.markdown.escape import literal
from beseda.telegram.part import Media, MediaKind

router = Router()

_BOOKED = Text("meetings.booked")
_MOVED = Text("meetings.moved")
_CANCELLED = Text("meetings.cancelled")
_OWNER_BOOKED = Text("meetings.owner_booked")
_OWNER_MOVED = Text("meetings.owner_moved")
_OWNER_CANCELLED = Text("meetings.owner_cancelled")
_NOT_CONFIRMED = Text("meetings.not_confirmed")
_REMINDER = Text("meetings.reminder")
_OWNER_REMINDER = Text("meetings.owner_reminder")
_SUMMARY = Text("meetings.summary")
_FACTS = Text("meetings.facts")
_NOBODY = Text("meetings.nobody")
_TO_GUEST = {
    EventType.MEETING_SCHEDULED: _BOOKED,
    EventType.MEETING_MOVED: _MOVED,
    EventType.MEETING_CANCELLED: _CANCELLED,
}
_TO_OWNER = {
    EventType.MEETING_SCHEDULED: _OWNER_BOOKED,
    EventType.MEETING_MOVED: _OWNER_MOVED,
    EventType.MEETING_CANCELLED: _OWNER_CANCELLED,
}
_MOST_FACTS = 20


@router.notice(CARD)
async def send_card(context: Context, meetings: MeetingService) -> None:
    """Send the file that puts the meeting into a calendar, changes it there or takes it out."""
    notice, meeting = await _find(context, meetings)
    if meeting is None or meeting.sequence != notice.data["sequence"]:
        return  # it has changed since: the notice of that is behind this one
    texts = _TO_OWNER if _is_owner(notice) else _TO_GUEST
    text = texts[EventType(notice.data["event"])]
    await context.reply(
        context.say(text, **_fields(context, meetings, meeting)), media=[await _keep_file(context, meetings, meeting)]
    )


@router.notice(EXPIRED)
async def tell_expired(context: Context, meetings: MeetingService) -> None:
    """Notify that the time is no longer held."""
    _, meeting = await _find(context, meetings)
    if meeting is not None:
        await context.reply(context.say(_NOT_CONFIRMED, **_fields(context, meetings, meeting)))


@router.notice(REMINDER)
async def remind(context: Context, meetings: MeetingService) -> None:
    """Remind of a meeting that still stands."""
    notice, meeting = await _find(context, meetings)
    if meeting is None or meeting.sequence != notice.data["sequence"] or meeting.state is not MeetingState.CONFIRMED:
        return
    text = _OWNER_REMINDER if _is_owner(notice) else _REMINDER
    await context.reply(context.say(text, **_fields(context, meetings, meeting)))


@router.notice(SUMMARY)
async def send_summary(context: Context, meetings: MeetingService) -> None:
    """Send the owner the summary of the person they will meet, with the quotes that support it."""
    _, meeting = await _find(context, meetings)
    if meeting is None:
        return
    try:
        summary = await meetings.summary(meeting.id)
    except NotFoundError:  # the lead was deleted in this moment
        return
    await context.reply(
        context.say(_SUMMARY, **_fields(context, meetings, meeting), summary=_write_summary(context, summary))
    )


async def _find(context: Context, meetings: MeetingService) -> tuple[Notice, Meeting | None]:
    notice = context.event
    assert isinstance(notice, Notice)  # noqa: S101 - the router's promise, for the type checker
    try:
        meeting = await meetings.find(int(notice.data["meeting_id"]))
        meetings.diary(meeting.bot)
    except NotFoundError:  # deleted with its lead, or the bot makes no appointments any more
        return notice, None
    return notice, meeting


def _is_owner(notice: Notice) -> bool:
    return str(notice.data["side"]) == "owner"


def _fields(context: Context, meetings: MeetingService, meeting: Meeting) -> dict[str, object]:
    guest = ", ".join(literal(word) for word in (meeting.guest.name, meeting.guest.contact) if word)
    return {
        "time": meetings.write_time(meeting, context.language),
        "guest": guest or context.say(_NOBODY),
        "lead": meeting.lead_id,
    }


def _write_summary(context: Context, summary: MeetingSummary) -> str:
    facts = [
        f"• {_name_fact(context, str(fact['name']))}: {literal(str(fact['value']))} «{literal(str(fact['quote']))}»"
        for fact in summary.facts[:_MOST_FACTS]
    ]
    return "\n\n".join(
        [summary.text, "\n\n".join([context.say(_FACTS), "\n".join(facts)])] if facts else [summary.text]
    )


def _name_fact(context: Context, name: str) -> str:
    """Return the title of a field in the person's language, as the bot's funnel has it."""
    title = context.bot.profile.slot_titles.get(name)
    return literal(context.say(title) if title is not None else name)


async def _keep_file(context: Context, meetings: MeetingService, meeting: Meeting) -> Media:
    notice = context.event
    assert isinstance(notice, Notice)  # noqa: S101 - the router's promise, for the type checker
    files, chat = context.bot.files, notice.place.chat
    content = meetings.write_ics(meeting, context.language, for_owner=_is_owner(notice))
    new = NewFile(
        owner=FileOwner(context.bot.profile.name, context.person.id),
        chat_id=chat.chat_id,
        kind=FileKind.DOCUMENT,
        title=meetings.write_time(meeting, context.language),
        suffix=".ics",
        mime="text/calendar; charset=utf-8",
        # The number of the update: after a crash the file is written once more in the same place.
        id=abs(notice.place.update_ids[0]),
    )
    stored = await files.save(new, content)
    return Media(MediaKind.DOCUMENT, stored.path, "meeting.ics")
