"""Reports: asked for, built by the worker, downloaded as files."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from beseda.core.clock import Clock
from beseda.core.errors import PeriodError
from beseda.core.services import Services
from beseda.features.analytics.model import Period
from beseda.features.reports import ReportService
from beseda.features.reports.model import NewReport, Report, ReportFormat, ReportKind, ReportState
from beseda.web.auth import READ, WRITE
from beseda.web.downloads import DOWNLOAD, send_file
from beseda.web.fields import Language, Moment, RowId, StrictModel
from beseda.web.pagination import ListTotals, Page, PageQuery, write_cursor
from beseda.web.problems import problems
from beseda.web.responses import show
from beseda.web.routing import api_router

_ORDER = "reports"
_EXAMPLE: dict[str, Any] = {
    "id": 7,
    "kind": "leads",
    "format": "xlsx",
    "language": "ru",
    "bot": "sales",
    "from": "2026-11-01T00:00:00Z",
    "to": "2026-11-20T00:00:00Z",
    "state": "ready",
    "reason": "",
    "size": 48213,
    "file_name": "beseda-leads-sales-2026-11-01-2026-11-20.xlsx",
    "created_at": "2026-11-20T09:00:00Z",
    "finished_at": "2026-11-20T09:00:04Z",
}


class ReportIn(StrictModel):
    """A request for a report. Without a period it covers the last thirty days."""

    kind: ReportKind = Field(description="What it is about.")
    format: ReportFormat = ReportFormat.HTML
    language: Language = "en"
    bot: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")] | None = Field(
        None, description="Of this bot only.", examples=["sales"]
    )
    since: Moment | None = Field(None, alias="from", description="Beginning.", examples=["2026-11-01T00:00:00Z"])
    until: Moment | None = Field(None, alias="to", description="End, not included.", examples=["2026-11-20T00:00:00Z"])

    model_config = ConfigDict(json_schema_extra={"examples": [{"kind": "leads", "format": "xlsx", "bot": "sales"}]})


class ReportOut(BaseModel):
    """A report. Its file is there once `state` is `ready`; `reason` names the error that failed it."""

    id: int
    kind: ReportKind
    format: ReportFormat
    language: str
    bot: str | None
    since: datetime = Field(alias="from")
    until: datetime = Field(alias="to")
    state: ReportState
    reason: str
    size: int
    file_name: str
    created_at: datetime
    finished_at: datetime | None

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})


def router(services: Services) -> APIRouter:
    """Return the routes of reports."""
    routes = api_router("/analytics/reports", "reports")
    reports, clock, totals = services.get(ReportService), services.get(Clock), ListTotals()

    @routes.get(
        "",
        response_model=Page[ReportOut],
        summary="List reports, newest first",
        dependencies=[READ],
    )
    async def list_reports(paging: PageQuery) -> Response:
        place = paging.after(_ORDER, int)
        found = await reports.page(limit=paging.limit, offset=paging.offset, before=place[0] if place else None)
        total = await totals.get(_ORDER, reports.count)
        items = [_show(report) for report in found]
        return show(paging.page(items, total, lambda: write_cursor(_ORDER, found[-1].id)))

    @routes.post(
        "",
        status_code=202,
        response_model=ReportOut,
        summary="Request a report",
        responses=problems(422),
        dependencies=[WRITE],
    )
    async def create_report(asked: ReportIn) -> Response:
        period = Period.between(asked.since, asked.until, clock.now(), asked.bot or "")
        if period.since >= period.until:
            raise PeriodError("the period ends before it begins")
        report = await reports.create(NewReport(asked.kind, asked.format, period, asked.language))
        return show(_show(report), status=202, headers={"Location": f"/api/v1/analytics/reports/{report.id}"})

    _add_single(routes, reports)
    return routes


def _add_single(routes: APIRouter, reports: ReportService) -> None:
    @routes.get(
        "/{report_id}",
        response_model=ReportOut,
        summary="Get the state of a report",
        responses=problems(404),
        dependencies=[READ],
    )
    async def get_report(report_id: RowId) -> Response:
        return show(_show(await reports.find(report_id)))

    @routes.get(
        "/{report_id}/download",
        response_class=Response,
        summary="Download a report that is ready",
        responses={**DOWNLOAD, **problems(404, 409)},
        dependencies=[READ],
    )
    async def download_report(report_id: RowId) -> Response:
        report = await reports.find(report_id)
        return await send_file(await reports.open_path(report), report.title)

    @routes.delete(
        "/{report_id}",
        status_code=204,
        response_class=Response,
        summary="Delete a report",
        responses=problems(404),
        dependencies=[WRITE],
    )
    async def delete_report(report_id: RowId) -> Response:
        await reports.delete(report_id)
        return Response(status_code=204)


def _show(report: Report) -> dict[str, Any]:
    new = report.new
    return {
        "id": report.id,
        "kind": new.kind,
        "format": new.format,
        "language": new.language,
        "bot": new.period.bot or None,
        "from": new.period.since,
        "to": new.period.until,
        "state": report.state,
        "reason": report.reason,
        "size": report.size,
        "file_name": report.title,
        "created_at": report.created_at,
        "finished_at": report.finished_at,
    }
