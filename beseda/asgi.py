"""The ASGI app: health, webhooks, and optionally the API and the sandbox."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.responses import RedirectResponse

from beseda import __version__
from beseda.api.app import api_app
from beseda.api.health import Check, health_router
from beseda.api.monitoring import InstallationGauges, MonitoringSources, monitoring_router
from beseda.app import App
from beseda.console.sandbox_panel.app import HostPanel
from beseda.engine.files.repository import FileRepository
from beseda.engine.telegram_webhook import webhook_router
from beseda.features.conversations.queries import ConversationList
from beseda.features.jobs.queries import JobList
from beseda.features.meetings.model import Diary
from beseda.web.dependencies import ApiLimits, ApiParts, BotList
from beseda.web.hosts import HostGuard
from beseda.web.idempotency_repository import KeptAnswerRepository
from beseda.web.problems import add_problem_handlers
from botapi_sandbox import Sandbox

if TYPE_CHECKING:
    from beseda.engine.runner import BotRunner


class Web:
    """The ASGI app. Bots may be added to `runners` after the server has started.

    Telegram's webhooks are accepted only if there is a `secret`.
    """

    def __init__(
        self,
        checks: Mapping[str, Check],
        *,
        sandbox: Sandbox | None = None,
        secret: str = "",
        hosts: Sequence[str] = (),
    ) -> None:
        self.runners: dict[str, BotRunner] = {}
        self.app = FastAPI(title="Beseda", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
        add_problem_handlers(self.app)
        self.app.add_middleware(HostGuard, names=hosts)
        self._gauges = InstallationGauges(checks)
        self.app.include_router(health_router(checks))
        self.app.include_router(monitoring_router(self._gauges))
        if secret:
            self.app.include_router(webhook_router(self.runners, secret))
        if sandbox is not None:
            self.app.router.routes.extend(sandbox.routes)
            self.app.add_api_route("/", _to_sandbox, include_in_schema=False)

    def watch(self, sources: MonitoringSources) -> None:
        """Show the state of the installation in `/metrics`."""
        self._gauges.connect(sources)

    def add_panel(self, panel: HostPanel) -> None:
        """Serve the host's panel of the sandbox page."""
        self.app.router.routes.extend(panel.make_routes())

    def add_api(self, parts: ApiParts) -> None:
        """Serve the API at all paths without another route."""
        self.app.mount("", api_app(parts))


async def _to_sandbox() -> RedirectResponse:
    return RedirectResponse("/sandbox")


def collect_sources(app: App) -> MonitoringSources:
    """Return the services that `/metrics` of this process is read from."""
    return MonitoringSources(
        app.features.analytics, app.engine.processes, app.features.webhooks, app.settings.storage_dir
    )


def collect_api_parts(app: App, checks: Mapping[str, Check], bots: BotList) -> ApiParts:
    """Return the services of the API in this process."""
    settings, engine, features = app.settings, app.engine, app.features
    features.meetings.adopt(
        {item.name: Diary(item.calendar, item.model) for item in bots.profiles if item.calendar is not None}
    )
    for profile in bots.profiles:
        features.reports.adopt(profile.slot_titles)
    return ApiParts(
        clock=engine.clock,
        keys=features.api_keys,
        kept_answers=KeptAnswerRepository(engine.database, engine.clock),
        limiter=engine.ephemeral.limiter,
        conversations=ConversationList(engine.database),
        takeovers=features.takeovers,
        files=engine.files,
        file_list=FileRepository(engine.database),
        jobs=engine.jobs,
        meetings=features.meetings,
        leads=features.leads,
        webhooks=features.webhooks,
        job_list=JobList(engine.database),
        analytics=features.analytics,
        reports=features.reports,
        broadcasts=features.broadcasts,
        bots=bots,
        model=engine.models.program.name,
        models=engine.models,
        limits=ApiLimits(settings.api_rate, settings.api_body, settings.cors_origins, settings.list_hosts()),
        checks=checks,
        sources=collect_sources(app),
    )
