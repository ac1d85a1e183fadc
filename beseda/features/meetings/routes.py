"""Meetings: free times, booking, and the file for a calendar."""

from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field, JsonValue, Strict
from starlette.responses import Response

from beseda.core.services import Services
from beseda.features.meetings.model import Meeting, MeetingFilter, MeetingPage, MeetingState
from beseda.features.meetings.service import MOST_DAYS, MeetingService
from beseda.web.auth import READ, WRITE
from beseda.web.downloads import send_bytes
from beseda.web.fields import HIGHEST, BotQuery, Language, Moment, RowId, StrictModel
from beseda.web.pagination import Page, PageQuery, write_time_cursor
from beseda.web.problems import problems
from beseda.web.responses import show
from beseda.web.routing import api_router

_ORDER = "meetings"
_ICS = "text/calendar"
_EXAMPLE: dict[str, JsonValue] = {
    "id": 7,
    "bot": "sales",
    "lead_id": 12,
    "user_id": 700000001,
    "name": "Anna",
    "state": "confirmed",
    "starts_at": "2026-11-24T11:00:00Z",
    "ends_at": "2026-11-24T12:00:00Z",
    "held_until": None,
    "remind_at": "2026-11-24T10:00:00Z",
    "uid": "0c9d1a52-4a4f-4a55-9a4c-1d1f5c5f0a11@beseda",
    "sequence": 0,
    "created_at": "2026-11-20T09:00:00Z",
    "updated_at": "2026-11-20T09:05:00Z",
}

AnswerLanguage = Annotated[Language, Query(description="Language of the texts in the response.")]
StartsAt = Annotated[Moment, Field(description="Beginning: one of the free times.", examples=["2026-11-24T11:00:00Z"])]


class MeetingOut(BaseModel):
    """A meeting: tentative until `held_until`, then expired unless it was confirmed."""

    id: int
    bot: str
    lead_id: int
    user_id: int
    name: str
    state: MeetingState
    starts_at: datetime
    ends_at: datetime
    held_until: datetime | None
    remind_at: datetime | None
    uid: str
    sequence: int
    created_at: datetime
    updated_at: datetime

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})


class SlotOut(BaseModel):
    """A time that can be booked; `label` is in the calendar's own time zone."""

    starts_at: datetime
    ends_at: datetime
    label: str

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "starts_at": "2026-11-24T11:00:00Z",
                    "ends_at": "2026-11-24T12:00:00Z",
                    "label": "Tue 24 November, 14:00",
                }
            ]
        }
    )


class SlotsOut(BaseModel):
    """The times that can be booked."""

    bot: str
    time_zone: str = Field(examples=["Europe/Moscow"])
    items: list[SlotOut]


class FactOut(BaseModel):
    """A statement of a lead, and the message that contains it."""

    name: str
    value: str
    message_id: int | None
    quote: str


class SummaryOut(BaseModel):
    """Summary for the preparation of a meeting."""

    meeting_id: int
    text: str
    facts: list[FactOut]
    model: str
    created_at: datetime

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "meeting_id": 7,
                    "text": "Anna runs a bakery and loses orders that come in at night.",
                    "facts": [{"name": "size", "value": "12", "message_id": 91, "quote": "there are 12 of us"}],
                    "model": "demo:demo",
                    "created_at": "2026-11-20T09:05:10Z",
                }
            ]
        }
    )


class NewMeetingIn(StrictModel):
    """A time to be held for a lead."""

    lead_id: Annotated[int, Strict(), Field(ge=1, le=HIGHEST, examples=[12])]
    starts_at: StartsAt


class MoveIn(StrictModel):
    """The new time of a meeting."""

    starts_at: StartsAt


async def _read_filter(
    bot: BotQuery = None,
    lead_id: Annotated[int | None, Query(ge=1, le=HIGHEST, description="With this lead only.", examples=[12])] = None,
    state: Annotated[MeetingState | None, Query(description="In this state only.")] = None,
    since: Annotated[Moment | None, Query(description="Beginning at this time or later.")] = None,
    until: Annotated[Moment | None, Query(description="Beginning before this time.")] = None,
) -> MeetingFilter:
    return MeetingFilter(bot, lead_id, state, since, until)


def router(services: Services) -> APIRouter:
    """Return the routes of meetings."""
    routes, meetings = api_router("/meetings", "meetings"), services.get(MeetingService)
    _add_lists(routes, meetings)
    _add_one(routes, meetings)
    _add_steps(routes, meetings)
    return routes


def _add_lists(routes: APIRouter, meetings: MeetingService) -> None:
    @routes.get(
        "",
        response_model=Page[MeetingOut],
        summary="List meetings, the earliest first",
        dependencies=[READ],
    )
    async def list_meetings(wanted: Annotated[MeetingFilter, Depends(_read_filter)], paging: PageQuery) -> Response:
        page = MeetingPage(paging.limit, paging.offset, paging.after_time(_ORDER))
        found = await meetings.list(wanted, page)
        items = [show_meeting(meeting) for meeting in found.items]
        return show(
            paging.page(
                items, found.total, lambda: write_time_cursor(_ORDER, found.items[-1].starts_at, found.items[-1].id)
            )
        )

    @routes.get(
        "/slots",
        response_model=SlotsOut,
        summary="List the free times of a bot's calendar",
        responses=problems(404),
        dependencies=[READ],
    )
    async def list_slots(
        bot: Annotated[
            str, Query(pattern=r"^[a-z][a-z0-9_-]{0,63}$", description="The bot's name.", examples=["sales"])
        ],
        day_from: Annotated[date | None, Query(description="First day; today if omitted.")] = None,
        days: Annotated[int, Query(ge=1, le=MOST_DAYS, description="Number of days.")] = 7,
        language: AnswerLanguage = "en",
    ) -> Response:
        slots = await meetings.free_slots(bot, day_from, days, language)
        zone = meetings.diary(bot).calendar.zone.key
        return show({"bot": bot, "time_zone": zone, "items": slots})


def _add_one(routes: APIRouter, meetings: MeetingService) -> None:
    @routes.get(
        "/{meeting_id}",
        response_model=MeetingOut,
        summary="Get a meeting",
        responses=problems(404),
        dependencies=[READ],
    )
    async def get_meeting(meeting_id: RowId) -> Response:
        return show(show_meeting(await meetings.find(meeting_id)))

    @routes.get(
        "/{meeting_id}/summary",
        response_model=SummaryOut,
        summary="Get the summary for a meeting",
        responses=problems(404),
        dependencies=[READ],
    )
    async def get_summary(meeting_id: RowId) -> Response:
        return show(asdict(await meetings.summary(meeting_id)))

    @routes.get(
        "/{meeting_id}/calendar.ics",
        response_class=Response,
        summary="Download the file for a calendar",
        responses={
            200: {
                "description": "iCalendar (RFC 5545).",
                "content": {_ICS: {"schema": {"type": "string"}, "example": "BEGIN:VCALENDAR"}},
            },
            **problems(404),
        },
        dependencies=[READ],
    )
    async def get_calendar_file(meeting_id: RowId, language: AnswerLanguage = "en") -> Response:
        meeting = await meetings.find(meeting_id)
        content = meetings.write_ics(meeting, language, for_owner=True)
        return send_bytes(content, f"meeting-{meeting.id}.ics", _ICS)


def _add_steps(routes: APIRouter, meetings: MeetingService) -> None:
    @routes.post(
        "",
        response_model=MeetingOut,
        status_code=201,
        summary="Hold a time for a lead for 15 minutes",
        description="Another time that the lead holds unconfirmed moves here. 409: the time is taken.",
        responses=problems(404, 409),
        dependencies=[WRITE],
    )
    async def book_meeting(body: NewMeetingIn) -> Response:
        meeting = await meetings.book(body.lead_id, body.starts_at)
        headers = {"Location": f"/api/v1/meetings/{meeting.id}"}
        return show(show_meeting(meeting), status=201, headers=headers)

    @routes.post(
        "/{meeting_id}/confirm",
        response_model=MeetingOut,
        summary="Confirm a meeting: both sides get the file for their calendar",
        responses=problems(404, 409),
        dependencies=[WRITE],
    )
    async def confirm_meeting(meeting_id: RowId) -> Response:
        return show(show_meeting(await meetings.confirm(meeting_id)))

    @routes.post(
        "/{meeting_id}/move",
        response_model=MeetingOut,
        summary="Move a meeting",
        responses=problems(404, 409),
        dependencies=[WRITE],
    )
    async def move_meeting(meeting_id: RowId, body: MoveIn) -> Response:
        return show(show_meeting(await meetings.move(meeting_id, body.starts_at)))

    @routes.post(
        "/{meeting_id}/cancel",
        response_model=MeetingOut,
        summary="Cancel a meeting",
        responses=problems(404, 409),
        dependencies=[WRITE],
    )
    async def cancel_meeting(meeting_id: RowId) -> Response:
        return show(show_meeting(await meetings.cancel(meeting_id)))


def show_meeting(meeting: Meeting) -> dict[str, Any]:
    """Return a meeting as the API shows it."""
    return {
        "id": meeting.id,
        "bot": meeting.bot,
        "lead_id": meeting.lead_id,
        "user_id": meeting.guest.user_id,
        "name": meeting.guest.name,
        "state": meeting.state.value,
        "starts_at": meeting.starts_at,
        "ends_at": meeting.ends_at,
        "held_until": meeting.held_until,
        "remind_at": meeting.remind_at,
        "uid": meeting.uid,
        "sequence": meeting.sequence,
        "created_at": meeting.created_at,
        "updated_at": meeting.updated_at,
    }
