"""Webhooks: register the addresses that receive events, read the results of deliveries, and repeat deliveries."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue
from starlette.responses import Response

from beseda.core.services import Services
from beseda.engine.events.model import EventType
from beseda.features.events.routes import EventOut, show_event
from beseda.features.webhooks.model import DeliveryState, EndpointChange, EventDelivery, WebhookEndpoint
from beseda.features.webhooks.service import WebhookService
from beseda.web.auth import ADMIN
from beseda.web.fields import RowId, StrictModel, without_nul
from beseda.web.pagination import OffsetQuery, Page, PageQuery, write_cursor
from beseda.web.problems import problems
from beseda.web.responses import ListResponse, show
from beseda.web.routing import api_router

Address = Annotated[
    str,
    Field(min_length=1, max_length=2000, description="Address that receives events: https, and a public host."),
    AfterValidator(without_nul),
]
Note = Annotated[str, Field(max_length=200), AfterValidator(without_nul)]
ForBot = Annotated[str, Field(pattern=r"^([a-z][a-z0-9_-]{0,63})?$", description="Events of this bot; empty: of all.")]
OverlapQuery = Annotated[
    int, Query(ge=0, le=168, description="Hours for which events are signed with the previous key, too; 0 for none.")
]
Types = Annotated[list[EventType], Field(max_length=50, description="Events of these types; empty: of all.")]

_SHOWN: dict[str, JsonValue] = {
    "id": 2,
    "url": "https://crm.example.org/beseda",
    "bot": "sales",
    "types": ["lead.created", "lead.stage_changed"],
    "description": "CRM",
    "active": True,
    "reason": "",
    "created_at": "2026-11-20T09:00:00Z",
    "updated_at": "2026-11-20T09:00:00Z",
    "old_key_until": None,
}


class NewWebhook(StrictModel):
    """An address to register for events."""

    url: Address
    bot: ForBot = ""
    types: Types = Field(default_factory=list)
    description: Note = ""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"url": "https://crm.example.org/beseda", "types": ["lead.created"]}]}
    )


class WebhookIn(StrictModel):
    """Changes to a webhook; omitted fields and null stay unchanged."""

    url: Address | None = None
    bot: ForBot | None = None
    types: Types | None = None
    description: Note | None = None
    active: bool | None = None

    model_config = ConfigDict(json_schema_extra={"examples": [{"active": True}]})


class WebhookOut(BaseModel):
    """An address that receives events. `reason` explains why it is inactive if it was not deactivated by you."""

    id: int
    url: str
    bot: str
    types: list[EventType]
    description: str
    active: bool
    reason: str
    created_at: datetime
    updated_at: datetime
    old_key_until: datetime | None = Field(description="Until this time events are signed with the previous key, too.")

    model_config = ConfigDict(json_schema_extra={"examples": [_SHOWN]})


class MadeWebhook(WebhookOut):
    """A webhook with the key that its events are signed with, which is shown this once."""

    key: str

    model_config = ConfigDict(json_schema_extra={"examples": [{**_SHOWN, "key": f"whsec_{'5f' * 32}"}]})


class DeliveryOut(BaseModel):
    """State of the delivery of an event: `status` is the status of the last response, `error` describes its failure."""

    id: int
    endpoint_id: int
    state: DeliveryState
    attempts: int
    due_at: datetime
    status: int | None
    error: str
    created_at: datetime
    finished_at: datetime | None
    event: EventOut


def router(services: Services) -> APIRouter:
    """Return the routes of webhooks."""
    routes, webhooks = api_router("/webhooks", "webhooks"), services.get(WebhookService)

    @routes.get("", response_model=Page[WebhookOut], summary="List webhooks, newest first", dependencies=[ADMIN])
    async def list_webhooks(paging: OffsetQuery) -> Response:
        endpoints, total = await webhooks.page(limit=paging.limit, offset=paging.offset)
        return show(ListResponse([_show(item) for item in endpoints], total, paging.limit, paging.offset))

    @routes.post(
        "",
        status_code=201,
        response_model=MadeWebhook,
        summary="Register a webhook",
        responses=problems(409),
        dependencies=[ADMIN],
    )
    async def create_webhook(new: Annotated[NewWebhook, Body()]) -> Response:
        endpoint, key = await webhooks.create(new.url, bot=new.bot, types=new.types, description=new.description)
        headers = {"Location": f"/api/v1/webhooks/{endpoint.id}"}
        return show({**_show(endpoint), "key": key}, status=201, headers=headers)

    @routes.get(
        "/{webhook_id}",
        response_model=WebhookOut,
        summary="Get a webhook",
        responses=problems(404),
        dependencies=[ADMIN],
    )
    async def get_webhook(webhook_id: RowId) -> Response:
        return show(_show(await webhooks.find(webhook_id)))

    @routes.patch(
        "/{webhook_id}",
        response_model=WebhookOut,
        summary="Change a webhook",
        responses=problems(404),
        dependencies=[ADMIN],
    )
    async def change_webhook(webhook_id: RowId, body: Annotated[WebhookIn, Body()]) -> Response:
        types = None if body.types is None else tuple(body.types)
        reason = None if body.active is None else ""
        change = EndpointChange(body.url, body.bot, types, body.description, body.active, reason=reason)
        return show(_show(await webhooks.change(webhook_id, change)))

    @routes.delete(
        "/{webhook_id}",
        status_code=204,
        summary="Delete a webhook with its deliveries",
        responses=problems(404),
        dependencies=[ADMIN],
    )
    async def delete_webhook(webhook_id: RowId) -> Response:
        await webhooks.remove(webhook_id)
        return Response(status_code=204)

    _add_deliveries(routes, webhooks)
    return routes


def _add_deliveries(routes: APIRouter, webhooks: WebhookService) -> None:
    @routes.post(
        "/{webhook_id}/key",
        response_model=MadeWebhook,
        summary="Replace the key that signs events",
        responses=problems(404, 409),
        dependencies=[ADMIN],
    )
    async def replace_key(webhook_id: RowId, overlap_hours: OverlapQuery = 24) -> Response:
        endpoint, key = await webhooks.replace_key(webhook_id, overlap=timedelta(hours=overlap_hours))
        return show({**_show(endpoint), "key": key})

    @routes.get(
        "/{webhook_id}/deliveries",
        response_model=Page[DeliveryOut],
        summary="List deliveries, newest first",
        responses=problems(404),
        dependencies=[ADMIN],
    )
    async def list_deliveries(
        webhook_id: RowId,
        paging: PageQuery,
        state: Annotated[
            DeliveryState | None, Query(description="In this state only: `dead` was given up.", examples=["dead"])
        ] = None,
    ) -> Response:
        order = f"deliveries:{webhook_id}:{state}"
        place = paging.after(order, int)
        found, total = await webhooks.deliveries(
            webhook_id, state, limit=paging.limit, offset=paging.offset, before=place[0] if place else None
        )
        items = [_show_delivery(delivery) for delivery in found]
        return show(paging.page(items, total, lambda: write_cursor(order, found[-1].id)))

    @routes.post(
        "/{webhook_id}/deliveries/{delivery_id}/redeliver",
        status_code=202,
        response_model=DeliveryOut,
        summary="Repeat a delivery",
        responses=problems(404),
        dependencies=[ADMIN],
    )
    async def redeliver(webhook_id: RowId, delivery_id: RowId) -> Response:
        return show(_show_delivery(await webhooks.redeliver(webhook_id, delivery_id)), status=202)


def _show(endpoint: WebhookEndpoint) -> dict[str, Any]:
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "bot": endpoint.bot,
        "types": endpoint.types,
        "description": endpoint.description,
        "active": endpoint.active,
        "reason": endpoint.reason,
        "created_at": endpoint.created_at,
        "updated_at": endpoint.updated_at,
        "old_key_until": endpoint.old_key_until,
    }


def _show_delivery(delivery: EventDelivery) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "endpoint_id": delivery.endpoint_id,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "due_at": delivery.due_at,
        "status": delivery.status,
        "error": delivery.error,
        "created_at": delivery.created_at,
        "finished_at": delivery.finished_at,
        "event": show_event(delivery.event),
    }
