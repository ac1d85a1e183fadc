"""Keys to the API: create, list and revoke them with a key of scope `admin`."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from beseda.core.services import Services
from beseda.features.api_keys.service import ApiKeyService
from beseda.web.api_key import ApiKey, Scope
from beseda.web.auth import ADMIN
from beseda.web.fields import Line, RowId, StrictModel
from beseda.web.pagination import OffsetQuery, Page
from beseda.web.problems import problems
from beseda.web.responses import ListResponse, show
from beseda.web.routing import api_router

_SHOWN: dict[str, Any] = {
    "id": 3,
    "name": "crm",
    "scope": "write",
    "created_at": "2026-11-20T09:00:00Z",
    "last_used_at": None,
    "revoked_at": None,
}


class NewKey(StrictModel):
    """A key to create."""

    name: Annotated[Line, Field(description="Name of the key's user.")]
    scope: Annotated[Scope, Field(description="Permissions of the key.")] = Scope.READ

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "crm", "scope": "write"}]})


class KeyOut(BaseModel):
    """A key without its secret, which is not stored."""

    id: int
    name: str
    scope: Scope
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None

    model_config = ConfigDict(json_schema_extra={"examples": [_SHOWN]})


class MadeKey(KeyOut):
    """A new key with its text, which is shown this once."""

    key: str

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**_SHOWN, "key": "bsd_3_kq3vN5Zc0m1yq6Jr8w2uXo4aTb7dEfGhIjKlMnOpQrS"}]}
    )


def router(services: Services) -> APIRouter:
    """Return the routes of keys."""
    routes, keys = api_router("/keys", "keys"), services.get(ApiKeyService)

    @routes.get("", response_model=Page[KeyOut], summary="List the keys, newest first", dependencies=[ADMIN])
    async def list_keys(paging: OffsetQuery) -> Response:
        items = [_show(key) for key in await keys.page(limit=paging.limit, offset=paging.offset)]
        return show(ListResponse(items, await keys.count(), paging.limit, paging.offset))

    @routes.post("", status_code=201, response_model=MadeKey, summary="Create a key", dependencies=[ADMIN])
    async def create_key(new: Annotated[NewKey, Body()]) -> Response:
        key, text = await keys.create(new.name, new.scope)
        headers = {"Location": f"/api/v1/keys/{key.id}"}
        return show({**_show(key), "key": text}, status=201, headers=headers)

    @routes.get("/{key_id}", response_model=KeyOut, summary="Get a key", responses=problems(404), dependencies=[ADMIN])
    async def get_key(key_id: RowId) -> Response:
        return show(_show(await keys.find(key_id)))

    @routes.delete(
        "/{key_id}",
        response_model=KeyOut,
        summary="Revoke a key; it stops working within two seconds",
        responses=problems(404),
        dependencies=[ADMIN],
    )
    async def revoke_key(key_id: RowId) -> Response:
        return show(_show(await keys.revoke(key_id)))

    return routes


def _show(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "scope": key.scope,
        "created_at": key.created_at,
        "last_used_at": key.last_used_at,
        "revoked_at": key.revoked_at,
    }
