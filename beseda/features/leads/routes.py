"""Leads: list, read with the sources of their fields, create, change, merge and delete them."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query
from starlette.exceptions import HTTPException
from starlette.responses import Response

from beseda.core.services import Services
from beseda.features.leads._forms import FIELDS, LeadDetail, LeadIn, LeadOut, LeadQuery, MergeIn, NewLeadIn, RevokeIn
from beseda.features.leads.contact import normalise_email, normalise_phone
from beseda.features.leads.model import Lead, LeadChange, LeadPage, Merge, NewLead
from beseda.features.leads.service import LeadService
from beseda.web.api_key import ApiKey
from beseda.web.auth import READ, WRITE
from beseda.web.dependencies import BotList
from beseda.web.etag import ETAG, IfMatch, tag
from beseda.web.fields import RowId
from beseda.web.pagination import Page, read_cursor, write_cursor
from beseda.web.problems import problems
from beseda.web.responses import show, write_json
from beseda.web.routing import api_router

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LATEST = 4_000_000_000_000_000  # microseconds: beyond it there is no lead, and soon no date
_SALES = "sales"
Writer = Annotated[ApiKey, WRITE]


def router(services: Services) -> APIRouter:
    """Return the routes of leads."""
    routes, leads = api_router("/leads", "leads"), services.get(LeadService)

    @routes.get("", response_model=Page[LeadOut], summary="List leads", dependencies=[READ])
    async def list_leads(query: Annotated[LeadQuery, Query()]) -> Response:
        order, offset = f"leads:{query.sort}", query.offset if query.cursor is None else 0
        after = _read_place(query.cursor, order) if query.cursor is not None else None
        found = await leads.write(query.filter(), LeadPage(query.limit, offset, query.sort, after, FIELDS))
        cursor = None
        if found.count == query.limit:
            time, number = found.end(query.sort.value.removeprefix("-"))
            cursor = write_cursor(order, (datetime.fromisoformat(time) - _EPOCH) // _MICROSECOND, number)
        rest = write_json({"total": found.total, "limit": query.limit, "offset": offset, "next_cursor": cursor})
        # The database has written the rows as JSON: to read and write them again would take most of the request.
        body = b'{"items":' + found.array.encode() + b"," + rest[1:]
        return Response(body, media_type="application/json")

    @routes.get(
        "/{lead_id}",
        response_model=LeadDetail,
        summary="Get a lead with its fields and their sources",
        responses=problems(404),
        dependencies=[READ],
    )
    async def get_lead(lead_id: RowId) -> Response:
        lead = await leads.find(lead_id)
        return show(await _describe(leads, lead), headers=tag(lead.version))

    _add_changes(routes, leads, services.get(BotList))
    _add_merging(routes, leads)
    return routes


def _add_changes(routes: APIRouter, leads: LeadService, bots: BotList) -> None:
    change: dict[str, Any] = {"response_model": LeadDetail, "responses": {200: {"headers": ETAG}, **problems(404, 412)}}

    @routes.post(
        "",
        status_code=201,
        response_model=LeadDetail,
        summary="Create a lead",
        responses={200: {"model": LeadDetail, "description": "This Telegram user is a lead already."}},
    )
    async def create_lead(body: Annotated[NewLeadIn, Body()], key: Writer) -> Response:
        bot = _choose_bot(bots, body.bot)
        _check_reach(body, leads.region)
        contact = ", ".join(filter(None, (body.contact, body.phone, body.email)))
        if body.user_id is None and not contact:
            raise HTTPException(422, "Give `user_id`, or a `phone`, `email` or `contact` to make a lead without one.")
        new = NewLead(bot, body.user_id, body.name, contact, body.source, actor=_name(key))
        opened = await leads.open(new)
        headers = {"Location": f"/api/v1/leads/{opened.lead.id}", **tag(opened.lead.version)}
        status = 201 if opened.is_new else 200
        return show(await _describe(leads, opened.lead), status=status, headers=headers)

    async def change_lead(
        lead_id: RowId,
        body: Annotated[LeadIn, Body()],
        versions: IfMatch,
        key: Writer,
    ) -> Response:
        _check_reach(body, leads.region)
        if body.stage:
            bot = (await leads.find(lead_id)).bot
            stages = next((profile.stages for profile in bots.profiles if profile.name == bot), ())
            if stages and body.stage not in stages:  # a bot without a funnel takes any
                raise HTTPException(422, f"`stage` is none of this bot's funnel: {', '.join(stages)}.")
        wanted = LeadChange(**body.model_dump())
        lead = await leads.change(lead_id, wanted, versions=versions, actor=_name(key))
        return show(await _describe(leads, lead), headers=tag(lead.version))

    routes.put("/{lead_id}", summary="Change a lead", operation_id="put_lead", **change)(change_lead)
    routes.patch("/{lead_id}", summary="Change a lead", operation_id="patch_lead", **change)(change_lead)

    @routes.delete(
        "/{lead_id}",
        status_code=204,
        summary="Delete a lead, those merged into it, and their events",
        responses=problems(404, 412),
    )
    async def delete_lead(lead_id: RowId, versions: IfMatch, key: Writer) -> Response:
        await leads.delete(lead_id, versions=versions, actor=_name(key))
        return Response(status_code=204)

    @routes.post(
        "/{lead_id}/consents/revoke",
        response_model=LeadDetail,
        summary="Revoke a consent on behalf of the person",
        responses=problems(404),
    )
    async def revoke_consent(lead_id: RowId, body: Annotated[RevokeIn, Body()], key: Writer) -> Response:
        await leads.revoke_consent(lead_id, body.kind, actor=_name(key))
        return show(await _describe(leads, await leads.find(lead_id)))


def _add_merging(routes: APIRouter, leads: LeadService) -> None:
    @routes.post(
        "/{lead_id}/merge",
        response_model=LeadDetail,
        summary="Merge another lead of the same person into this one",
        description="The lead in the address goes on, unless only the other one has a Telegram user. The other one "
        "remains with `merged_into`, and can be separated again.",
        responses={200: {"headers": ETAG}, **problems(404, 409, 412)},
    )
    async def merge_leads(lead_id: RowId, body: Annotated[MergeIn, Body()], versions: IfMatch, key: Writer) -> Response:
        if body.lead_id == lead_id:
            raise HTTPException(422, "A lead cannot be merged into itself.")
        lead = await leads.merge(Merge(lead_id, body.lead_id, _name(key), versions))
        return show(await _describe(leads, lead), headers=tag(lead.version))

    @routes.post(
        "/{lead_id}/unmerge",
        response_model=LeadDetail,
        summary="Separate a lead that was merged into another",
        description="Call it for the merged lead. It becomes separate again, with the statements of its person since "
        "then; the other one gets its former values back.",
        responses={200: {"headers": ETAG}, **problems(404, 409)},
    )
    async def unmerge_lead(lead_id: RowId, key: Writer) -> Response:
        lead = await leads.unmerge(lead_id, actor=_name(key))
        return show(await _describe(leads, lead), headers=tag(lead.version))


def _check_reach(body: NewLeadIn | LeadIn, region: str) -> None:
    """Refuse a phone that is no phone number and a mail address that is none; an empty text empties a field."""
    if body.phone and not normalise_phone(body.phone, region):
        raise HTTPException(422, "`phone` is no phone number: write it with its country code, like +44 20 7946 0958.")
    if body.email and not normalise_email(body.email):
        raise HTTPException(422, "`email` is no mail address.")


def _choose_bot(bots: BotList, name: str | None) -> str:
    known = [profile.name for profile in bots.profiles]
    if name is not None:
        if known and name not in known:
            raise HTTPException(422, f"There is no bot {name}.")
        return name
    return _SALES if not known or _SALES in known else known[0]


def _read_place(cursor: str, order: str) -> tuple[datetime, int]:
    time, number = read_cursor(cursor, order, int, int)
    if not 0 <= time <= _LATEST:
        raise HTTPException(400, "This cursor is none of ours.")
    return _EPOCH + time * _MICROSECOND, number


def _name(key: ApiKey) -> str:
    return f"key:{key.id}"


async def _describe(leads: LeadService, lead: Lead) -> dict[str, Any]:
    return {
        **{name: getattr(lead, name) for name in FIELDS},
        "fields": [asdict(slot) for slot in lead.slots.values()],
        "stages": [asdict(visit) for visit in await leads.stages(lead.id)],
        "consents": [asdict(consent) for consent in await leads.consents(lead.id)],
        "possible_duplicates": [asdict(found) for found in await leads.duplicates(lead.id)],
    }
