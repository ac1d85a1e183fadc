"""The ASGI app: health, webhooks, and optionally the API and the sandbox."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.responses import RedirectResponse

from beseda import __version__
from beseda.api.app import api_app
from beseda.api.health import Check, ReadinessChecks, health_router
from beseda.api.monitoring import InstallationGauges, MonitoringSources, monitoring_router
from beseda.app import App
from beseda.console.sandbox_panel.app import HostPanel
from beseda.core.services import Services
from beseda.engine.telegram_webhook import webhook_router
from beseda.features.meetings.model import Diary
from beseda.web.dependencies import ApiLimits, BotList
from beseda.web.hosts import HostGuard
from beseda.web.problems import add_problem_handlers
from botapi_sandbox import Sandbox

if TYPE_CHECKING:
    from beseda.engine.runner import BotRunner


class Web:
    """The ASGI app. Bots may be added to `runners` after the server has started.

    Telegram's webhooks are accepted only if there is a `secret`. `/metrics` shows the installation if it has `sources`.
    """

    def __init__(
        self,
        checks: Mapping[str, Check],
        *,
        sandbox: Sandbox | None = None,
        secret: str = "",
        hosts: Sequence[str] = (),
        sources: MonitoringSources | None = None,
    ) -> None:
        self.runners: dict[str, BotRunner] = {}
        self.app = FastAPI(title="Beseda", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
        add_problem_handlers(self.app)
        self.app.add_middleware(HostGuard, names=hosts)
        self.app.include_router(health_router(checks))
        self.app.include_router(monitoring_router(InstallationGauges(checks, sources)))
        if secret:
            self.app.include_router(webhook_router(self.runners, secret))
        if sandbox is not None:
            self.app.router.routes.extend(sandbox.routes)
            self.app.add_api_route("/", _to_sandbox, include_in_schema=False)

    def add_panel(self, panel: HostPanel) -> None:
        """Serve the host's panel of the sandbox page."""
        self.app.router.routes.extend(panel.make_routes())

    def add_api(self, services: Services) -> None:
        """Serve the API at all paths without another route."""
        # Last: it answers every path that no route before it has.
        self.app.mount("", api_app(services))


async def _to_sandbox() -> RedirectResponse:
    return RedirectResponse("/sandbox")


def build_api_services(app: App, checks: Mapping[str, Check], bots: BotList) -> Services:
    """Return the services of the API: those of the process, its settings, and the calendars and slots of the bots."""
    settings, features = app.settings, app.features
    features.meetings.adopt(
        {item.name: Diary(item.calendar, item.model) for item in bots.profiles if item.calendar is not None}
    )
    for profile in bots.profiles:
        features.reports.adopt(profile.slot_titles)
    services = Services(app.services)
    services.add(bots)
    services.add(ReadinessChecks(checks))
    services.add(ApiLimits(settings.api_rate, settings.api_body, settings.cors_origins, settings.list_hosts()))
    return services
