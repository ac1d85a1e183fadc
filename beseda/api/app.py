"""The REST API: the frame around every route. Which groups of routes there are stands in `ROUTES`, a line each."""

import asyncio
import functools
from collections.abc import Callable

from fastapi import APIRouter, FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from beseda import __version__
from beseda.api.docs_page import write_page
from beseda.api.document import write_document
from beseda.api.health import ReadinessChecks, health_router
from beseda.api.middleware.api_key import ApiKeyMiddleware
from beseda.api.middleware.body_limit import BodyLimitMiddleware
from beseda.api.middleware.idempotency import HEADER, IdempotencyMiddleware
from beseda.api.middleware.rate_limit import RateLimitMiddleware
from beseda.api.monitoring import InstallationGauges, MonitoringSources, RequestMetricsMiddleware, monitoring_router
from beseda.core.services import Services
from beseda.ephemeral.base import RateLimiter
from beseda.features.analytics import routes as analytics
from beseda.features.api_keys import routes as api_key
from beseda.features.api_keys.service import ApiKeyService
from beseda.features.bots import routes as bot
from beseda.features.broadcasts import routes as broadcast
from beseda.features.conversations import operator
from beseda.features.conversations import routes as conversation
from beseda.features.events import routes as event
from beseda.features.files import routes as file
from beseda.features.jobs import routes as job
from beseda.features.leads import routes as lead
from beseda.features.meetings import routes as meeting
from beseda.features.reports import routes as report
from beseda.features.webhooks import routes as webhook
from beseda.web.dependencies import ApiLimits
from beseda.web.hosts import HostGuard
from beseda.web.idempotency import IdempotencyRepository
from beseda.web.problems import add_problem_handlers
from beseda.web.responses import show

ROUTES: list[Callable[[Services], APIRouter]] = [
    lead.router,
    event.router,
    webhook.router,
    conversation.router,
    analytics.router,
    report.router,
    broadcast.router,
    operator.router,
    bot.router,
    file.router,
    job.router,
    meeting.router,
    api_key.router,
]


def api_app(services: Services) -> FastAPI:
    """Return the API under /api/v1, with its document at /openapi.json and a page of it at /docs."""
    app = FastAPI(title="Beseda", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
    # FastAPI's own way to extend the document: https://fastapi.tiangolo.com/how-to/extending-openapi/. It takes half a
    # second, once.
    app.openapi = functools.cache(lambda: write_document(app))  # type: ignore[method-assign]
    add_problem_handlers(app)
    checks, limits = services.get(ReadinessChecks).by_part, services.get(ApiLimits)
    gauges = InstallationGauges(checks, MonitoringSources.of(services))
    pages = (health_router(checks), monitoring_router(gauges))
    for router in (*pages, *(router(services) for router in ROUTES)):
        app.router.routes.extend(router.routes)  # flat: found quicker than through a router of each group
    _add_pages(app)
    # The last one added is the first one met.
    app.add_middleware(IdempotencyMiddleware, store=services.get(IdempotencyRepository))
    app.add_middleware(BodyLimitMiddleware, limit=limits.body)
    limiter = services.get(RateLimiter)
    if limits.rate:
        app.add_middleware(RateLimitMiddleware, limiter=limiter, limit=limits.rate)
    app.add_middleware(ApiKeyMiddleware, keys=services.get(ApiKeyService), limiter=limiter)
    app.add_middleware(HeadMiddleware)
    app.add_middleware(HostGuard, names=limits.hosts)
    if limits.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(limits.cors_origins),
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "If-Match", HEADER],
            expose_headers=["ETag", "Location", "RateLimit", "RateLimit-Policy", "Retry-After"],
        )
    app.add_middleware(RequestMetricsMiddleware)
    return app


class HeadMiddleware:
    """Answers HEAD as GET without its body, which RFC 9110 requires of every server. Plain ASGI."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._app({**scope, "method": "GET"}, receive, send_head)


def _add_pages(app: FastAPI) -> None:
    @app.get("/openapi.json", include_in_schema=False)
    async def openapi() -> Response:
        return show(await asyncio.to_thread(app.openapi))

    @app.get("/docs", include_in_schema=False)
    async def docs(_: Request) -> Response:
        policy = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
        return HTMLResponse(write_page(await asyncio.to_thread(app.openapi)), headers=policy)
