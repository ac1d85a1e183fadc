"""Files that bots keep for people: a list, the metadata of a file, its content."""

import asyncio
from datetime import datetime
from pathlib import PurePath
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from beseda.core.errors import NotFoundError
from beseda.core.services import Services
from beseda.engine.files.model import FileFilter, FileKind, StoredFile
from beseda.engine.files.repository import FileRepository
from beseda.engine.files.service import FileService
from beseda.web.auth import READ, WRITE
from beseda.web.downloads import DOWNLOAD, send_file
from beseda.web.fields import BotQuery, LongId, UserQuery, read_long_id
from beseda.web.pagination import ListTotals, Page, PageQuery, write_cursor
from beseda.web.problems import problems
from beseda.web.responses import show
from beseda.web.routing import api_router

_ORDER = "files"


class FileOut(BaseModel):
    """A kept file: `size` in bytes, `mime` is the declared type, or else the type of its suffix."""

    id: str
    bot: str
    user_id: int
    chat_id: int
    kind: FileKind
    title: str
    mime: str
    size: int
    sha256: str
    created_at: datetime
    job_id: str | None
    turn_id: str | None

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "118217652158451712",
                    "bot": "assistant",
                    "user_id": 700000001,
                    "chat_id": 700000001,
                    "kind": "transcript",
                    "title": "Interview.txt",
                    "mime": "text/plain; charset=utf-8",
                    "size": 5120,
                    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                    "created_at": "2026-11-20T09:00:00Z",
                    "job_id": "118217652158451711",
                    "turn_id": None,
                }
            ]
        }
    )


async def _read_filter(
    bot: BotQuery = None,
    user_id: UserQuery = None,
    kind: Annotated[FileKind | None, Query(description="Of this kind only.")] = None,
) -> FileFilter:
    return FileFilter(bot, user_id, kind)


def router(services: Services) -> APIRouter:
    """Return the routes of files."""
    routes = api_router("/files", "files")
    store, files, totals = services.get(FileRepository), services.get(FileService), ListTotals()

    @routes.get("", response_model=Page[FileOut], summary="List files, newest first", dependencies=[READ])
    async def list_files(wanted: Annotated[FileFilter, Depends(_read_filter)], paging: PageQuery) -> Response:
        place = paging.after(_ORDER, int)
        before = place[0] if place else None
        found, total = await asyncio.gather(
            store.page(wanted, limit=paging.limit, offset=paging.offset, before=before),
            totals.get(wanted, lambda: store.count(wanted)),
        )
        return show(paging.page([_show(file) for file in found], total, lambda: write_cursor(_ORDER, found[-1].id)))

    @routes.get(
        "/{file_id}",
        response_model=FileOut,
        summary="Get the metadata of a file",
        responses=problems(404),
        dependencies=[READ],
    )
    async def get_file(file_id: LongId) -> Response:
        return show(_show(await _find(store, file_id)))

    _add_content(routes, store, files)
    return routes


def _add_content(routes: APIRouter, store: FileRepository, files: FileService) -> None:
    @routes.get(
        "/{file_id}/content",
        response_class=Response,
        summary="Download a file",
        responses={**DOWNLOAD, **problems(404)},
        dependencies=[READ],
    )
    async def download_file(file_id: LongId) -> Response:
        file = await _find(store, file_id)
        path = await files.open_path(file)
        suffix = PurePath(file.path).suffix
        name = file.title if file.title.endswith(suffix) else f"{file.title}{suffix}"
        return await send_file(path, name)

    @routes.delete(
        "/{file_id}",
        status_code=204,
        response_class=Response,
        summary="Delete a file",
        responses=problems(404),
        dependencies=[WRITE],
    )
    async def delete_file(file_id: LongId) -> Response:
        file = await _find(store, file_id)
        await files.delete(file.id, file.owner)
        return Response(status_code=204)


async def _find(store: FileRepository, file_id: str) -> StoredFile:
    file = await store.get(read_long_id(file_id))
    if file is None:
        raise NotFoundError(f"file {file_id}")
    return file


def _show(file: StoredFile) -> dict[str, Any]:
    return {
        "id": str(file.id),
        "bot": file.owner.bot,
        "user_id": file.owner.user_id,
        "chat_id": file.chat_id,
        "kind": file.kind,
        "title": file.title,
        "mime": file.mime,
        "size": file.size,
        "sha256": file.sha256,
        "created_at": file.created_at,
        "job_id": str(file.job_id) if file.job_id is not None else None,
        "turn_id": str(file.turn_id) if file.turn_id is not None else None,
    }
