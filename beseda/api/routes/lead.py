"""Leads: listed, read with the sources of their fields, made, changed, deleted."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, Strict
from starlette.exceptions import HTTPException
from starlette.responses import Response

from beseda.api.answers import show, write_json
from beseda.api.auth import needs
from beseda.api.fields import HIGHEST, Closed, Moment, RowId, without_nul
from beseda.api.paging import Page, read_cursor, write_cursor
from beseda.api.parts import ApiParts
from beseda.api.problems import problems
from beseda.api.routing import api_router
from beseda.api.versions import ETAG, IfMatch, tag
from beseda.domain.api_key import ApiKey
from beseda.domain.lead import (
    ConsentKind,
    Lead,
    LeadChange,
    LeadFilter,
    LeadPage,
    LeadSort,
    LeadStatus,
    LeadText,
    NewLead,
    SlotState,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LATEST = 4_000_000_000_000_000  # microseconds: beyond it there is no lead, and soon no date
_TELEGRAM_IDS = 2**52  # https://core.telegram.org/bots/api#user: at most 52 significant bits
_SALES = "sales"
_UPDATED_FROM = "Last changed then or later; without `updated_to` a minute earlier is looked at, too."
_LEAD: dict[str, JsonValue] = {
    "id": 12,
    "bot": "sales",
    "user_id": 700000001,
    "name": "Anna",
    "contact": "+7 999 123-45-67",
    "phone": "+79991234567",
    "email": "",
    "source": "telegram",
    "status": "active",
    "stage": "discovery",
    "owner": "",
    "notes": "",
    "fit_score": 55,
    "version": 4,
    "created_at": "2026-11-20T09:00:00Z",
    "updated_at": "2026-11-20T09:05:00Z",
    "merged_into": None,
}
_FIELDS = tuple(_LEAD)


Name = Annotated[str, Field(max_length=200), AfterValidator(without_nul)]
ContactText = Annotated[str, Field(max_length=500), AfterValidator(without_nul)]
Short = Annotated[str, Field(max_length=64), AfterValidator(without_nul)]
Notes = Annotated[str, Field(max_length=10_000), AfterValidator(without_nul)]


class LeadOut(BaseModel):
    """A lead; `phone` (E.164) and `email` are read out of `contact`, `merged_into` is the lead that it is part of."""

    id: int
    bot: str
    user_id: int
    name: str
    contact: str
    phone: str
    email: str
    source: str
    status: LeadStatus
    stage: str
    owner: str
    notes: str
    fit_score: int
    version: int
    created_at: datetime
    updated_at: datetime
    merged_into: int | None

    model_config = ConfigDict(json_schema_extra={"examples": [_LEAD]})


class FieldOut(BaseModel):
    """A field with its source: `quote` stands in message `message_id`, which is null once it was deleted."""

    name: str
    value: str
    confidence: float
    state: SlotState
    message_id: int | None
    user_id: int | None
    quote: str
    extracted_at: datetime


class StageOut(BaseModel):
    """A stage that the lead was in, or is where `exited_at` is null."""

    stage: str
    entered_at: datetime
    exited_at: datetime | None


class ConsentOut(BaseModel):
    """What the person was asked to allow, and the words that did it."""

    kind: ConsentKind
    user_id: int
    asked_at: datetime
    given_at: datetime | None
    revoked_at: datetime | None
    message_id: int | None
    words: str


class LeadDetail(LeadOut):
    """A lead with all that is known of it."""

    fields: list[FieldOut]
    stages: list[StageOut]
    consents: list[ConsentOut]

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **_LEAD,
                    "fields": [
                        {
                            "name": "people",
                            "value": "12",
                            "confidence": 0.93,
                            "state": "accepted",
                            "message_id": 91,
                            "user_id": 700000001,
                            "quote": "there are 12 of us",
                            "extracted_at": "2026-11-20T09:05:00Z",
                        }
                    ],
                    "stages": [{"stage": "discovery", "entered_at": "2026-11-20T09:01:00Z", "exited_at": None}],
                    "consents": [],
                }
            ]
        }
    )


class NewLeadIn(Closed):
    """A person as a lead; where they are one already, it takes over what is given here."""

    user_id: Annotated[int, Strict(), Field(ge=1, lt=_TELEGRAM_IDS, description="A Telegram user's id.")]
    name: Name = ""
    contact: Annotated[ContactText, Field(description="A phone, a mail address, or both, in any writing.")] = ""
    source: Annotated[Short, Field(description="Where the lead comes from.")] = "api"
    bot: Annotated[
        str | None, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$", description="The bot: `sales`, or else the first of all.")
    ] = None

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"user_id": 700000001, "name": "Anna", "contact": "8 (999) 123-45-67"}]}
    )


class LeadIn(Closed):
    """What is to change; what is left out or null stays as it is, an empty text empties it."""

    name: Name | None = None
    contact: ContactText | None = None
    status: LeadStatus | None = None
    stage: Short | None = None
    owner: Annotated[Name | None, Field(description="Who works on the lead.")] = None
    notes: Notes | None = None

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "won", "owner": "Irina"}]})


class RevokeIn(Closed):
    """A consent that is taken back."""

    kind: ConsentKind

    model_config = ConfigDict(json_schema_extra={"examples": [{"kind": "pdpa_profile"}]})


Writer = Annotated[ApiKey, Depends(needs("write"))]


class LeadQuery(BaseModel):
    """Which leads are asked for. One model: taken one by one, so many parameters cost as much as the query does."""

    bot: Annotated[
        str | None,
        Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$", description="Of this bot only.", examples=["sales"]),
    ] = None
    status: Annotated[LeadStatus | None, Field(description="With this status only.")] = None
    stage: Annotated[str | None, Field(max_length=64, description="In this stage only.", examples=["discovery"])] = None
    owner: Annotated[str | None, Field(max_length=200, description="Of this owner only.")] = None
    user_id: Annotated[
        int | None, Field(ge=1, le=HIGHEST, description="Of this Telegram user only.", examples=[700000001])
    ] = None
    q: Annotated[
        str | None,
        Field(max_length=200, description="Words, or a phone, that stand in name, contact, fields or notes."),
    ] = None
    created_from: Annotated[Moment | None, Field(description="Made then or later.")] = None
    created_to: Annotated[Moment | None, Field(description="Made before then.")] = None
    updated_from: Annotated[Moment | None, Field(description=_UPDATED_FROM)] = None
    updated_to: Annotated[Moment | None, Field(description="Last changed before then.")] = None
    sort: Annotated[LeadSort, Field(description="By which time; with a minus the latest first.")] = LeadSort.NEWEST
    limit: Annotated[int, Field(ge=1, le=500, description="How many at most.")] = 100
    offset: Annotated[int, Field(ge=0, le=10_000, description="How many to leave out; with a cursor, none.")] = 0
    cursor: Annotated[
        str | None, Field(max_length=500, description="`next_cursor` of the page before: the way to read on and on.")
    ] = None

    def filter(self) -> LeadFilter:
        """Return what is asked for."""
        return LeadFilter(
            self.bot,
            self.status,
            self.stage,
            self.owner,
            self.user_id,
            self.q or None,
            self.created_from,
            self.created_to,
            self.updated_from,
            self.updated_to,
        )


def router(parts: ApiParts) -> APIRouter:
    """Return the routes of leads."""
    routes = api_router("/leads", "leads")

    @routes.get("", response_model=Page[LeadOut], summary="List leads", dependencies=[Depends(needs("read"))])
    async def list_leads(query: Annotated[LeadQuery, Query()]) -> Response:
        order, offset = f"leads:{query.sort}", query.offset if query.cursor is None else 0
        after = _read_place(query.cursor, order) if query.cursor is not None else None
        found = await parts.leads.write(query.filter(), LeadPage(query.limit, offset, query.sort, after))
        cursor = _write_place(found, order, query.sort) if found.count == query.limit else None
        return _show_list(found, query.limit, offset, cursor)

    @routes.get(
        "/{lead_id}",
        response_model=LeadDetail,
        summary="Get a lead with its fields and where they come from",
        responses=problems(404),
        dependencies=[Depends(needs("read"))],
    )
    async def get_lead(lead_id: RowId) -> Response:
        lead = await parts.leads.find(lead_id)
        return show(await _describe(parts, lead), headers=tag(lead.version))

    _add_changes(routes, parts)
    return routes


def _add_changes(routes: APIRouter, parts: ApiParts) -> None:
    change: dict[str, Any] = {"response_model": LeadDetail, "responses": {200: {"headers": ETAG}, **problems(404, 412)}}

    @routes.post(
        "",
        status_code=201,
        response_model=LeadDetail,
        summary="Make a person a lead",
        responses={200: {"model": LeadDetail, "description": "There was one, of this person or with this contact."}},
    )
    async def create_lead(body: Annotated[NewLeadIn, Body()], key: Writer) -> Response:
        bot = _choose_bot(parts, body.bot)
        new = NewLead(bot, body.user_id, body.name, body.contact, body.source, actor=_name(key))
        opened = await parts.leads.open(new)
        headers = {"Location": f"/api/v1/leads/{opened.lead.id}", **tag(opened.lead.version)}
        status = 201 if opened.is_new else 200
        return show(await _describe(parts, opened.lead), status=status, headers=headers)

    async def change_lead(
        lead_id: RowId,
        body: Annotated[LeadIn, Body()],
        version: IfMatch,
        key: Writer,
    ) -> Response:
        wanted = LeadChange(**body.model_dump())
        lead = await parts.leads.change(lead_id, wanted, version=version, actor=_name(key))
        return show(await _describe(parts, lead), headers=tag(lead.version))

    routes.put("/{lead_id}", summary="Change a lead", operation_id="put_lead", **change)(change_lead)
    routes.patch("/{lead_id}", summary="Change a lead", operation_id="patch_lead", **change)(change_lead)

    @routes.delete(
        "/{lead_id}",
        status_code=204,
        summary="Delete a lead, those merged into it, and their events",
        responses=problems(404, 412),
    )
    async def delete_lead(lead_id: RowId, version: IfMatch, key: Writer) -> Response:
        await parts.leads.delete(lead_id, version=version, actor=_name(key))
        return Response(status_code=204)

    @routes.post(
        "/{lead_id}/consents/revoke",
        response_model=LeadDetail,
        summary="Take a consent back in the person's name",
        responses=problems(404),
    )
    async def revoke_consent(lead_id: RowId, body: Annotated[RevokeIn, Body()], key: Writer) -> Response:
        await parts.leads.revoke_consent(lead_id, body.kind, actor=_name(key))
        return show(await _describe(parts, await parts.leads.find(lead_id)))


def _choose_bot(parts: ApiParts, name: str | None) -> str:
    known = [profile.name for profile in parts.bots.profiles]
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


def _write_place(found: LeadText, order: str, sort: LeadSort) -> str:
    time, number = found.end(sort.value.removeprefix("-"))
    return write_cursor(order, (datetime.fromisoformat(time) - _EPOCH) // _MICROSECOND, number)


def _show_list(found: LeadText, limit: int, offset: int, cursor: str | None) -> Response:
    """Return what the database has written, in the frame of a list."""
    rest = write_json({"total": found.total, "limit": limit, "offset": offset, "next_cursor": cursor})
    body = b'{"items":' + found.array.encode() + b"," + rest[1:]
    return Response(body, media_type="application/json")


def _name(key: ApiKey) -> str:
    return f"key:{key.id}"


def show_lead(lead: Lead) -> dict[str, Any]:
    """Return a lead as a list shows it."""
    return {name: getattr(lead, name) for name in _FIELDS}


async def _describe(parts: ApiParts, lead: Lead) -> dict[str, Any]:
    return {
        **show_lead(lead),
        "fields": [asdict(slot) for slot in lead.slots.values()],
        "stages": [asdict(visit) for visit in await parts.leads.stages(lead.id)],
        "consents": [asdict(consent) for consent in await parts.leads.consents(lead.id)],
    }
