"""Events of leads, meetings and conversations, for clients that poll instead of receiving webhooks."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from beseda.core.services import Services
from beseda.db.since import look_back
from beseda.engine.events.model import Event, EventFilter, EventType
from beseda.features.leads.service import LeadService
from beseda.web.auth import READ
from beseda.web.fields import HIGHEST, BotQuery, Moment, RowId, UserQuery
from beseda.web.pagination import Page, PageQuery, write_cursor
from beseda.web.problems import problems
from beseda.web.responses import show
from beseda.web.routing import api_router

_ORDER = "events"


class EventOut(BaseModel):
    """An event; the content of `data` depends on `type`."""

    id: int
    type: EventType
    bot: str
    lead_id: int | None
    user_id: int | None
    data: dict[str, Any]
    occurred_at: datetime

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": 77,
                    "type": "lead.stage_changed",
                    "bot": "sales",
                    "lead_id": 12,
                    "user_id": 700000001,
                    "data": {"lead_id": 12, "user_id": 700000001, "old_stage": "greeting", "new_stage": "discovery"},
                    "occurred_at": "2026-11-20T09:01:00Z",
                }
            ]
        }
    )


async def _read_filter(
    bot: BotQuery = None,
    kind: Annotated[EventType | None, Query(alias="type", description="Of this type only.")] = None,
    lead_id: Annotated[int | None, Query(ge=1, le=HIGHEST, description="Of this lead only.")] = None,
    user_id: UserQuery = None,
) -> EventFilter:
    return EventFilter(bot, kind, user_id, () if lead_id is None else (lead_id,))


Since = Annotated[
    Moment | None, Query(description="At this time or later; without `until` one minute earlier is included.")
]
Until = Annotated[Moment | None, Query(description="Before this time.")]


def router(services: Services) -> APIRouter:
    """Return the routes of events."""
    routes, leads = api_router("", "events"), services.get(LeadService)

    @routes.get(
        "/events",
        response_model=Page[EventOut],
        summary="List events, newest first",
        dependencies=[READ],
    )
    async def list_events(
        wanted: Annotated[EventFilter, Depends(_read_filter)],
        paging: PageQuery,
        since: Since = None,
        until: Until = None,
    ) -> Response:
        place = paging.after(_ORDER, int)
        # Without an end it is asked by whoever reads on from the last event seen.
        first = look_back(since) if since is not None and until is None else since
        whole = EventFilter(wanted.bot, wanted.type, wanted.user_id, wanted.lead_ids, first, until)
        events, total = await leads.list_events(
            whole, limit=paging.limit, offset=paging.offset, before=place[0] if place else None
        )
        return show(
            paging.page([show_event(event) for event in events], total, lambda: write_cursor(_ORDER, events[-1].id))
        )

    @routes.get(
        "/leads/{lead_id}/events",
        response_model=Page[EventOut],
        summary="List events of a lead and the leads merged into it, newest first",
        responses=problems(404),
        dependencies=[READ],
    )
    async def list_lead_events(lead_id: RowId, paging: PageQuery) -> Response:
        order = f"{_ORDER}:{lead_id}"
        place = paging.after(order, int)
        events, total = await leads.events(
            lead_id, limit=paging.limit, offset=paging.offset, before=place[0] if place else None
        )
        return show(
            paging.page([show_event(event) for event in events], total, lambda: write_cursor(order, events[-1].id))
        )

    return routes


def show_event(event: Event) -> dict[str, Any]:
    """Return an event as the API shows it."""
    return {
        "id": event.id,
        "type": event.type,
        "bot": event.bot,
        "lead_id": event.lead_id,
        "user_id": event.user_id,
        "data": event.data,
        "occurred_at": event.occurred_at,
    }
