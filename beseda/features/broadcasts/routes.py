"""Broadcasts: create, count, test, send and pause them, and read the results."""

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query
from starlette.exceptions import HTTPException
from starlette.responses import Response

from beseda.core.services import Services
from beseda.features.broadcasts._forms import (
    BroadcastChange,
    BroadcastIn,
    BroadcastOut,
    PeopleOut,
    PhotoIn,
    RecipientOut,
    ResumeIn,
    show_broadcast,
    show_recipient,
)
from beseda.features.broadcasts.model import Broadcast, BroadcastFilter, BroadcastState, NewBroadcast, RecipientState
from beseda.features.broadcasts.service import BroadcastService
from beseda.web.api_key import ApiKey
from beseda.web.auth import ADMIN, READ, WRITE
from beseda.web.dependencies import BotList
from beseda.web.etag import ETAG, IfMatch, tag
from beseda.web.fields import BotQuery, RowId
from beseda.web.pagination import Page, PageQuery, write_cursor
from beseda.web.problems import problems
from beseda.web.responses import ListResponse, show
from beseda.web.routing import api_router

_ORDER = "broadcasts"
_DRAFT: dict[str, Any] = {"response_model": BroadcastOut, "responses": {200: {"headers": ETAG}, **problems(404, 409)}}
Writer = Annotated[ApiKey, WRITE]


def router(services: Services) -> APIRouter:
    """Return the routes of broadcasts."""
    routes, broadcasts = api_router("/broadcasts", "broadcasts"), services.get(BroadcastService)
    _add_lists(routes, broadcasts)
    _add_drafts(routes, broadcasts, services.get(BotList))
    _add_photo(routes, broadcasts)
    _add_steps(routes, broadcasts)
    return routes


def _add_lists(routes: APIRouter, broadcasts: BroadcastService) -> None:
    @routes.get("", response_model=Page[BroadcastOut], summary="List broadcasts, newest first", dependencies=[READ])
    async def list_broadcasts(
        paging: PageQuery,
        bot: BotQuery = None,
        state: Annotated[BroadcastState | None, Query(description="In this state only.")] = None,
    ) -> Response:
        wanted = BroadcastFilter(bot, state)
        place = paging.after(_ORDER, int)
        found = await broadcasts.list(
            wanted, limit=paging.limit, offset=paging.offset, before=place[0] if place else None
        )
        total = await broadcasts.store.count(wanted)
        items = [show_broadcast(broadcast) for broadcast in found]
        return show(paging.page(items, total, lambda: write_cursor(_ORDER, found[-1].id)))

    @routes.get(
        "/{broadcast_id}",
        response_model=BroadcastOut,
        summary="Get a broadcast with its results so far",
        responses={200: {"headers": ETAG}, **problems(404)},
        dependencies=[READ],
    )
    async def get_broadcast(broadcast_id: RowId) -> Response:
        return _show(await broadcasts.find(broadcast_id))

    @routes.get(
        "/{broadcast_id}/audience",
        response_model=PeopleOut,
        summary="Count the audience of a broadcast before it is sent",
        responses=problems(404),
        dependencies=[READ],
    )
    async def count_audience(broadcast_id: RowId) -> Response:
        broadcast = await broadcasts.find(broadcast_id)
        return show({"people": await broadcasts.count_audience(broadcast.bot, broadcast.audience)})

    @routes.get(
        "/{broadcast_id}/recipients",
        response_model=Page[RecipientOut],
        summary="List the recipients of a broadcast by their ids",
        description="`offset` is ignored: use the cursor. `total` counts all recipients of the broadcast.",
        responses=problems(404),
        dependencies=[READ],
    )
    async def list_recipients(
        broadcast_id: RowId,
        paging: PageQuery,
        state: Annotated[RecipientState | None, Query(description="Recipients in this state only.")] = None,
    ) -> Response:
        broadcast = await broadcasts.find(broadcast_id)
        order = f"{_ORDER}:{broadcast_id}:{state or ''}"
        place = paging.after(order, int)
        found = await broadcasts.recipients(broadcast_id, state, after=place[0] if place else 0, limit=paging.limit)
        cursor = write_cursor(order, found[-1].user_id) if len(found) == paging.limit else None
        items = [show_recipient(one) for one in found]
        return show(ListResponse(items, broadcast.counts.total, paging.limit, 0, cursor))


def _add_drafts(routes: APIRouter, broadcasts: BroadcastService, bots: BotList) -> None:
    @routes.post(
        "",
        status_code=201,
        response_model=BroadcastOut,
        summary="Create a draft; nothing is sent yet",
        responses={201: {"headers": ETAG}},
    )
    async def create_broadcast(body: Annotated[BroadcastIn, Body()], key: Writer) -> Response:
        known = {profile.name for profile in bots.profiles}
        if known and body.bot not in known:
            raise HTTPException(422, f"There is no bot {body.bot}.")
        new = NewBroadcast(
            bot=body.bot,
            title=body.title,
            content=body.to_content(),
            audience=body.audience.to_audience(),
            plan=body.to_plan(broadcasts.plan),
            author=f"key:{key.id}",
        )
        made = await broadcasts.create(new)
        headers = {"Location": f"/api/v1/broadcasts/{made.id}", **tag(made.version)}
        return show(show_broadcast(made), status=201, headers=headers)

    @routes.patch(
        "/{broadcast_id}",
        response_model=BroadcastOut,
        summary="Change a draft",
        responses={200: {"headers": ETAG}, **problems(404, 409, 412)},
    )
    async def change_broadcast(
        broadcast_id: RowId, body: Annotated[BroadcastChange, Body()], versions: IfMatch, _: Writer
    ) -> Response:
        draft = await broadcasts.find(broadcast_id)
        return _show(await broadcasts.rewrite(replace(draft, **body.apply(draft)), versions=versions))

    @routes.delete("/{broadcast_id}", status_code=204, summary="Delete a draft", responses=problems(404, 409))
    async def delete_broadcast(broadcast_id: RowId, _: Writer) -> Response:
        await broadcasts.delete(broadcast_id)
        return Response(status_code=204)


def _add_photo(routes: APIRouter, broadcasts: BroadcastService) -> None:
    @routes.put(
        "/{broadcast_id}/photo",
        summary="Put a JPEG or PNG above the text of a draft",
        **_DRAFT,
    )
    async def put_photo(broadcast_id: RowId, body: Annotated[PhotoIn, Body()], _: Writer) -> Response:
        draft = await broadcasts.find(broadcast_id)
        content, kind = body.read()
        if not kind:
            raise HTTPException(422, "A photo is a JPEG or a PNG, as base64.")
        return _show(await broadcasts.rewrite(replace(draft, photo=kind), photo=content))

    @routes.delete("/{broadcast_id}/photo", summary="Delete the photo of a draft", **_DRAFT)
    async def delete_photo(broadcast_id: RowId, _: Writer) -> Response:
        draft = await broadcasts.find(broadcast_id)
        return _show(await broadcasts.rewrite(replace(draft, photo="")))


def _add_steps(routes: APIRouter, broadcasts: BroadcastService) -> None:
    step: dict[str, Any] = {"response_model": BroadcastOut, "responses": problems(404, 409)}

    @routes.post(
        "/{broadcast_id}/start",
        summary="Send a draft, first to its cohort if it has one",
        dependencies=[ADMIN],
        **step,
    )
    async def start_broadcast(broadcast_id: RowId) -> Response:
        return _show(await broadcasts.start(broadcast_id))

    @routes.post(
        "/{broadcast_id}/continue",
        summary="Send to all recipients after the test",
        dependencies=[ADMIN],
        **step,
    )
    async def continue_broadcast(broadcast_id: RowId) -> Response:
        return _show(await broadcasts.go_on(broadcast_id))

    @routes.post("/{broadcast_id}/pause", summary="Pause a broadcast", dependencies=[WRITE], **step)
    async def pause_broadcast(broadcast_id: RowId) -> Response:
        return _show(await broadcasts.pause(broadcast_id))

    @routes.post("/{broadcast_id}/cancel", summary="Cancel a broadcast", dependencies=[WRITE], **step)
    async def cancel_broadcast(broadcast_id: RowId) -> Response:
        return _show(await broadcasts.cancel(broadcast_id))

    @routes.post(
        "/{broadcast_id}/resume",
        summary="Resume a broadcast that was paused or stopped",
        dependencies=[ADMIN],
        **step,
    )
    async def resume_broadcast(broadcast_id: RowId, body: Annotated[ResumeIn | None, Body()] = None) -> Response:
        again = body is not None and body.retry_unknown
        return _show(await broadcasts.resume(broadcast_id, retry_unknown=again))


def _show(broadcast: Broadcast) -> Response:
    return show(show_broadcast(broadcast), headers=tag(broadcast.version))
