"""Figures of a period, and series of them for plots."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from beseda.core.clock import Clock
from beseda.core.services import Services
from beseda.features.analytics.model import Metric, Metrics, Period, SeriesStep
from beseda.features.analytics.service import AnalyticsService
from beseda.web.auth import READ
from beseda.web.fields import BotQuery, Moment
from beseda.web.problems import problems
from beseda.web.responses import show
from beseda.web.routing import api_router

From = Annotated[
    Moment | None,
    Query(alias="from", description="Beginning; 30 days before the end if omitted.", examples=["2026-11-01T00:00:00Z"]),
]
To = Annotated[
    Moment | None,
    Query(alias="to", description="End, not included; now if omitted.", examples=["2026-11-20T00:00:00Z"]),
]
_EXAMPLE: dict[str, Any] = {
    "from": "2026-11-01T00:00:00Z",
    "to": "2026-11-20T00:00:00Z",
    "bot": "sales",
    "conversations": 812,
    "messages": 14200,
    "answers": 6904,
    "failures": 41,
    "active_users": 655,
    "response_time_ms": {"p50": 1840, "p95": 6900},
    "model_calls": 6950,
    "model_failures": 46,
    "tokens": {"prompt": 5120000, "completion": 702000, "total": 5822000},
    "cost_usd": 3.91,
    "flood_waits": 2,
    "flood_wait_seconds": 9.0,
    "leads": {
        "total": 320,
        "by_status": {"active": 260, "won": 40, "lost": 20},
        "by_stage": {"discovery": 150, "consultation": 110, "summary": 60},
        "won": 40,
        "conversion_percent": 12.5,
    },
    "funnel": [{"bot": "sales", "stage": "consultation", "entered": 150, "exited": 90, "won": 38}],
    "updated_at": "2026-11-20T09:00:00Z",
}


class ResponseTimeOut(BaseModel):
    """Milliseconds from a message to its whole answer; null if no message was answered."""

    p50: int | None = Field(ge=0)
    p95: int | None = Field(ge=0)


class TokensOut(BaseModel):
    """Tokens that models read and wrote."""

    prompt: int
    completion: int
    total: int


class LeadFiguresOut(BaseModel):
    """The leads that came in the period, as they stand now; `conversion_percent` is the share of them that was won."""

    total: int
    by_status: dict[str, int]
    by_stage: dict[str, int]
    won: int
    conversion_percent: float = Field(ge=0, le=100)


class FunnelOut(BaseModel):
    """How many leads came into a stage in the days of the period, left it, and were won while in it."""

    bot: str
    stage: str
    entered: int
    exited: int
    won: int


class MetricsOut(BaseModel):
    """Figures of a period."""

    since: datetime = Field(alias="from")
    until: datetime = Field(alias="to")
    bot: str | None
    conversations: int = Field(description="Conversations that began.")
    messages: int = Field(description="Messages of people and answers to them.")
    answers: int
    failures: int = Field(description="Messages that got no answer.")
    active_users: int = Field(description="Number of people that wrote a message.")
    response_time_ms: ResponseTimeOut
    model_calls: int
    model_failures: int
    tokens: TokensOut
    cost_usd: float
    flood_waits: int
    flood_wait_seconds: float
    leads: LeadFiguresOut
    funnel: list[FunnelOut]
    updated_at: datetime

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})


class PointOut(BaseModel):
    """Value measured in the interval that begins at `at`; null if there was nothing to measure."""

    at: datetime
    value: float | None


class SeriesOut(BaseModel):
    """One metric, point by point. Tokens, messages and leads are counts, response times milliseconds, cost dollars."""

    metric: Metric
    step: SeriesStep
    bot: str | None
    points: list[PointOut]

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "metric": "messages",
                    "step": "day",
                    "bot": None,
                    "points": [
                        {"at": "2026-11-19T00:00:00Z", "value": 412},
                        {"at": "2026-11-20T00:00:00Z", "value": 96},
                    ],
                }
            ]
        }
    )


def router(services: Services) -> APIRouter:
    """Return the routes of figures."""
    routes = api_router("/analytics", "analytics")
    analytics, clock = services.get(AnalyticsService), services.get(Clock)

    @routes.get(
        "/metrics",
        response_model=MetricsOut,
        summary="Get the figures of a period",
        responses=problems(422),
        dependencies=[READ],
    )
    async def get_metrics(since: From = None, until: To = None, bot: BotQuery = None) -> Response:
        return show(_show(await analytics.metrics(Period.between(since, until, clock.now(), bot or ""))))

    @routes.get(
        "/series",
        response_model=SeriesOut,
        summary="Get one metric over time",
        responses=problems(422),
        dependencies=[READ],
    )
    async def get_series(
        metric: Annotated[Metric, Query(description="Metric to return.", examples=["messages"])],
        step: Annotated[
            SeriesStep, Query(description="Width of a point in UTC; weeks begin on Mondays.")
        ] = SeriesStep.DAY,
        since: From = None,
        until: To = None,
        bot: BotQuery = None,
    ) -> Response:
        points = await analytics.series(Period.between(since, until, clock.now(), bot or ""), metric, step)
        return show({"metric": metric, "step": step, "bot": bot, "points": points})

    return routes


def _show(found: Metrics) -> dict[str, Any]:
    figures, leads = found.figures, found.leads
    return {
        "from": found.period.since,
        "to": found.period.until,
        "bot": found.period.bot or None,
        "conversations": figures.conversations,
        "messages": figures.messages,
        "answers": figures.answers,
        "failures": figures.failures,
        "active_users": found.active_users,
        "response_time_ms": {"p50": found.response_p50, "p95": found.response_p95},
        "model_calls": figures.model_calls,
        "model_failures": figures.model_failures,
        "tokens": {
            "prompt": figures.prompt_tokens,
            "completion": figures.completion_tokens,
            "total": figures.tokens,
        },
        "cost_usd": round(figures.cost, 6),
        "flood_waits": figures.flood_waits,
        "flood_wait_seconds": round(figures.flood_seconds, 3),
        "leads": {
            "total": leads.total,
            "by_status": leads.by_status,
            "by_stage": leads.by_stage,
            "won": leads.won,
            "conversion_percent": leads.conversion,
        },
        "funnel": [
            {"bot": row.bot, "stage": row.stage, "entered": row.entered, "exited": row.exited, "won": row.won}
            for row in found.funnel
        ],
        "updated_at": found.updated_at,
    }
