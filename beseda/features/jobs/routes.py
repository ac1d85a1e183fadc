"""Background jobs: list, read and cancel them."""

import asyncio
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.responses import Response

from beseda.core.errors import NotFoundError
from beseda.core.services import Services
from beseda.engine.jobs.base import JobQueue
from beseda.engine.jobs.model import JobState
from beseda.features.jobs.model import JobFilter, JobLine
from beseda.features.jobs.queries import JobList
from beseda.web.auth import READ, WRITE
from beseda.web.fields import BotQuery, LongId, UserQuery, read_long_id
from beseda.web.pagination import ListTotals, Page, PageQuery, write_time_cursor
from beseda.web.problems import problems
from beseda.web.responses import show
from beseda.web.routing import api_router

_ORDER = "jobs by time"


class JobOut(BaseModel):
    """A job: `done` of `total` in units of its own; `reason` names the error that failed it, or its last try."""

    id: str
    kind: str
    bot: str
    chat_id: int | None
    user_id: int | None
    state: JobState
    attempt: int
    max_attempts: int
    done: float
    total: float
    note: str
    reason: str
    cancelling: bool
    created_at: datetime
    due_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "118217652158451712",
                    "kind": "photo.enhance",
                    "bot": "assistant",
                    "chat_id": 700000001,
                    "user_id": 700000001,
                    "state": "running",
                    "attempt": 1,
                    "max_attempts": 3,
                    "done": 3.0,
                    "total": 10.0,
                    "note": "",
                    "reason": "",
                    "cancelling": False,
                    "created_at": "2026-11-20T09:00:00Z",
                    "due_at": "2026-11-20T09:00:00Z",
                    "started_at": "2026-11-20T09:00:01Z",
                    "finished_at": None,
                }
            ]
        }
    )


async def _read_filter(
    bot: BotQuery = None,
    user_id: UserQuery = None,
    state: Annotated[JobState | None, Query(description="In this state only.")] = None,
    kind: Annotated[
        str | None,
        Query(
            pattern=r"^[a-z_]+\.[a-z_]+$", max_length=64, description="Of this kind only.", examples=["report.build"]
        ),
    ] = None,
) -> JobFilter:
    return JobFilter(bot, user_id, state, kind)


def router(services: Services) -> APIRouter:
    """Return the routes of jobs."""
    routes = api_router("/jobs", "jobs")
    jobs, queue, totals = services.get(JobList), services.get(JobQueue), ListTotals()

    @routes.get("", response_model=Page[JobOut], summary="List jobs, newest first", dependencies=[READ])
    async def list_jobs(wanted: Annotated[JobFilter, Depends(_read_filter)], paging: PageQuery) -> Response:
        before = paging.after_time(_ORDER)
        lines, total = await asyncio.gather(
            jobs.page(wanted, limit=paging.limit, offset=paging.offset, before=before),
            totals.get(wanted, lambda: jobs.count(wanted)),
        )
        return show(
            paging.page(
                [_show(line) for line in lines],
                total,
                lambda: write_time_cursor(_ORDER, lines[-1].created_at, lines[-1].id),
            )
        )

    @routes.get(
        "/{job_id}",
        response_model=JobOut,
        summary="Get a job",
        responses=problems(404),
        dependencies=[READ],
    )
    async def get_job(job_id: LongId) -> Response:
        return show(_show(await _find(jobs, read_long_id(job_id))))

    @routes.post(
        "/{job_id}/cancel",
        status_code=202,
        response_model=JobOut,
        summary="Cancel a job; a running one ends soon",
        responses=problems(404, 409),
        dependencies=[WRITE],
    )
    async def cancel_job(job_id: LongId) -> Response:
        number = read_long_id(job_id)
        await _find(jobs, number)
        if not await queue.cancel(number):
            raise HTTPException(409, "This job is over.")
        return show(_show(await _find(jobs, number)), status=202)

    return routes


async def _find(jobs: JobList, job_id: int) -> JobLine:
    line = await jobs.find(job_id)
    if line is None:
        raise NotFoundError(f"job {job_id}")
    return line


def _show(line: JobLine) -> dict[str, Any]:
    return {
        "id": str(line.id),
        "kind": line.kind,
        "bot": line.bot,
        "chat_id": line.chat_id,
        "user_id": line.user_id,
        "state": line.state,
        "attempt": line.attempt,
        "max_attempts": line.max_attempts,
        "done": line.done,
        "total": line.total,
        "note": line.note,
        "reason": line.reason,
        "cancelling": line.cancelling,
        "created_at": line.created_at,
        "due_at": line.due_at,
        "started_at": line.started_at,
        "finished_at": line.finished_at,
    }
