"""Appointments by buttons: a day, a time, a quarter of an hour to confirm it, then moved or cancelled as it suits.

    meet:pick[:ID] ─► meet:day:YYYYMMDD:ID ─► meet:at:EPOCH:ID ─► meet:confirm:ID · meet:pick:ID · meet:cancel:ID
                            ▲    └─► meet:days:ID ─┘

ID is the meeting that is to be moved, 0 for a new one. Each step takes the place of the one before it in the same
message, so that one set of buttons is shown at a time.
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime

from beseda.bots.sales import texts
from beseda.bots.sales.sales_context import SalesContext
from beseda.core.errors import BesedaError, NotFoundError
from beseda.engine.calendar import CalendarSlot
from beseda.engine.context import Context, argument
from beseda.engine.handlers.history import keep_private
from beseda.engine.incoming import Press
from beseda.engine.router import Router
from beseda.features.meetings.model import Meeting, MeetingState
from beseda.features.meetings.service import MeetingService
from beseda.features.sales.model import BOOKED, CONFIRMED, PICKS_TIME
from beseda.features.sales.service import Talk
from beseda.locales.errors import explain
from beseda.telegram.keyboards import Button, Keyboard, Markup

_NUMBER = re.compile(r"[0-9]{1,11}")  # days, ids, and seconds since 1970 for some thousand years
_DAYS = 14  # that are looked through
_SHOWN_DAYS = 8
_TIMES_IN_A_ROW = 4
_MOST_TIMES = 32


class Booking:
    """The buttons of appointments, and `/meetings`."""

    def __init__(self, sales: SalesContext) -> None:
        self._sales = sales

    def router(self) -> Router:
        """Return the handlers."""
        router = Router()
        router.command("meetings", wordless=True)(self.show)
        router.press("meet")(self.press)
        return router

    async def press(self, context: Context) -> None:
        """Run the action of a button. An error is shown to the user; data that is malformed or unknown is ignored."""
        assert isinstance(context.event, Press)  # noqa: S101 - the router's promise, for the type checker
        step, *rest = argument(context.event.data) or ("",)
        await context.acknowledge()
        if not all(map(_NUMBER.fullmatch, rest)):  # a client of somebody's own may send what it likes
            return
        numbers = [int(value) for value in rest]
        try:
            await self._take(context, step, numbers)
        except BesedaError as error:
            if context.is_settled:
                raise
            await context.refuse(error)

    async def show(self, context: Context) -> None:
        """Show the upcoming meetings, each with its buttons."""
        if not await keep_private(context):
            return
        theirs = await self._sales.meetings.for_person(context.bot.profile.name, context.person.id)
        found = [one for one in theirs if one.state.is_active]
        if not found:
            pick = [[Button(self._pick(context), "meet:pick")]] if context.bot.profile.calendar else ()
            await context.reply(context.say(texts.NO_MEETINGS), pick)
            return
        lines = [context.say(texts.MEETINGS), *(f"- {_describe(context, self._sales.meetings, one)}" for one in found)]
        await context.reply("\n".join(lines), [row for one in found for row in _keyboard(context, one)])

    def _pick(self, context: Context) -> str:
        return context.say(self._sales.service.funnel.pick)

    async def _take(self, context: Context, step: str, numbers: Sequence[int]) -> None:
        match step, numbers:
            case "pick", []:
                await self._show_days(context, 0)
            case "pick", [meeting_id]:
                await self._show_days(context, meeting_id)
            case "days", [meeting_id]:
                await context.replace_text(*await self._write_days(context, meeting_id))
            case "day", [day, meeting_id]:
                await self._show_times(context, _read_day(day), meeting_id)
            case "at", [moment, meeting_id]:
                await self._book(context, datetime.fromtimestamp(moment, UTC), meeting_id)
            case "confirm", [meeting_id]:
                await self._confirm(context, meeting_id)
            case "cancel", [meeting_id]:
                await self._cancel(context, meeting_id)

    async def _show_days(self, context: Context, meeting_id: int) -> None:
        if context.bot.profile.calendar is None:
            await context.reply(context.say(texts.NO_CALENDAR))
            return
        await self._sales.service.advance(await self._sales.talk(context), {PICKS_TIME})
        show = context.replace_text if meeting_id else context.reply
        await show(*await self._write_days(context, meeting_id))

    async def _write_days(self, context: Context, meeting_id: int) -> tuple[str, Keyboard]:
        """Return the days with free times as buttons."""
        calendar = self._sales.meetings.diary(context.bot.profile.name).calendar
        labels = {calendar.day_of(slot.starts_at): _split(slot)[0] for slot in await self._slots(context, None, _DAYS)}
        days = list(labels.items())[:_SHOWN_DAYS]
        if not days:
            return context.say(texts.NOTHING_FREE), ()
        buttons = [Button(label, f"meet:day:{day:%Y%m%d}:{meeting_id}") for day, label in days]
        rows = [buttons[start : start + 2] for start in range(0, len(buttons), 2)]
        return context.say(texts.CHOOSE_DAY, zone=calendar.zone.key), rows

    async def _show_times(self, context: Context, day: date, meeting_id: int) -> None:
        slots = (await self._slots(context, day, 1))[:_MOST_TIMES]
        if not slots:
            await context.replace_text(*await self._write_days(context, meeting_id))
            return
        zone = self._sales.meetings.diary(context.bot.profile.name).calendar.zone.key
        buttons = [Button(_split(one)[1], f"meet:at:{int(one.starts_at.timestamp())}:{meeting_id}") for one in slots]
        rows = [buttons[start : start + _TIMES_IN_A_ROW] for start in range(0, len(buttons), _TIMES_IN_A_ROW)]
        back = [Button(context.say(texts.OTHER_DAY), f"meet:days:{meeting_id}")]
        await context.replace_text(context.say(texts.CHOOSE_TIME, day=_split(slots[0])[0], zone=zone), [*rows, back])

    async def _slots(self, context: Context, day: date | None, days: int) -> list[CalendarSlot]:
        return await self._sales.meetings.free_slots(context.bot.profile.name, day, days, context.language)

    async def _book(self, context: Context, starts_at: datetime, meeting_id: int) -> None:
        """Reserve a time or move a meeting. If that fails, show the error and the days again. Raises NotFoundError."""
        meetings, talk = self._sales.meetings, await self._sales.talk(context)
        if meeting_id:
            await self._find(context, meeting_id)
        calendar = meetings.diary(context.bot.profile.name).calendar

        async def respond(_message_id: int) -> tuple[str, Markup]:
            try:
                done = await (
                    meetings.move(meeting_id, starts_at) if meeting_id else self._hold(context, talk, starts_at)
                )
            except NotFoundError:
                raise
            except BesedaError as error:
                words, keyboard = await self._write_days(context, meeting_id)
                return f"{explain(error, context.language)}\n\n{words}", keyboard
            await self._sales.service.advance(talk, {BOOKED})
            told = texts.HELD if done.state is MeetingState.TENTATIVE else texts.MOVED
            return context.say(told, time=meetings.write_time(done, context.language)), _keyboard(context, done)

        when = calendar.write_time(starts_at, context.language)
        await self._sales.converse(context, context.say(texts.TAKE, time=when), respond, in_place=True)

    async def _hold(self, context: Context, talk: Talk, starts_at: datetime) -> Meeting:
        lead = await self._sales.service.find_lead(talk)
        return await self._sales.meetings.book(lead.id, starts_at, user_id=talk.person.id)

    async def _confirm(self, context: Context, meeting_id: int) -> None:
        meetings, talk = self._sales.meetings, await self._sales.talk(context)
        await self._find(context, meeting_id)

        async def respond(message_id: int) -> tuple[str, Markup]:
            try:
                await self._sales.service.allow_invitation(talk, message_id)
                done = await meetings.confirm(meeting_id)
            except BesedaError as error:
                return explain(error, context.language), [[Button(self._pick(context), "meet:pick")]]
            situation = await self._sales.service.advance(talk, {CONFIRMED})
            words = [context.say(texts.CONFIRMED, time=meetings.write_time(done, context.language))]
            if not situation.lead.phone:
                words.append(context.say(texts.ADD_NUMBER))
            return "\n\n".join(words), ()

        await self._sales.converse(context, context.say(texts.I_CONFIRM), respond, in_place=True)

    async def _cancel(self, context: Context, meeting_id: int) -> None:
        await self._find(context, meeting_id)

        async def respond(_message_id: int) -> tuple[str, Markup]:
            try:
                await self._sales.meetings.cancel(meeting_id)
            except BesedaError as error:
                return explain(error, context.language), ()
            return context.say(texts.CANCELLED), [[Button(self._pick(context), "meet:pick")]]

        await self._sales.converse(context, context.say(texts.I_CANCEL), respond, in_place=True)

    async def _find(self, context: Context, meeting_id: int) -> Meeting:
        """Return a meeting of this person. Raises NotFoundError."""
        meeting = await self._sales.meetings.find(meeting_id)
        if (meeting.bot, meeting.guest.user_id) != (context.bot.profile.name, context.person.id):
            raise NotFoundError(f"meeting {meeting_id} is not this person's")
        return meeting


def _keyboard(context: Context, meeting: Meeting) -> list[list[Button]]:
    confirm = [Button(context.say(texts.CONFIRM), f"meet:confirm:{meeting.id}")]
    others = [
        Button(context.say(texts.OTHER_TIME), f"meet:pick:{meeting.id}"),
        Button(context.say(texts.CANCEL), f"meet:cancel:{meeting.id}"),
    ]
    return [confirm, others] if meeting.state is MeetingState.TENTATIVE else [others]


def _describe(context: Context, meetings: MeetingService, meeting: Meeting) -> str:
    mark = texts.CONFIRMED_MARK if meeting.state is MeetingState.CONFIRMED else texts.TENTATIVE_MARK
    return f"{meetings.write_time(meeting, context.language)}: {context.say(mark)}"


def _split(slot: CalendarSlot) -> tuple[str, str]:
    """Return the day and the time of a slot's label."""
    day, _, time = slot.label.rpartition(", ")
    return day, time


def _read_day(number: int) -> date:
    try:
        return date(number // 10_000, number // 100 % 100, number % 100)
    except ValueError as error:
        raise NotFoundError(f"no day {number}") from error
