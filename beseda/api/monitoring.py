"""`/metrics`: the counters of this process and the backlog of the database, in the format of Prometheus.

The text format is https://prometheus.io/docs/instrumenting/exposition_formats/, written by prometheus_client. It
requires no key: it holds names of bots and endpoints, and numbers; no person, no key.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from fastapi import APIRouter
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from beseda import __version__
from beseda.api.health import Check, ask_all
from beseda.core import metrics
from beseda.core.disk import StorageFolder
from beseda.core.errors import StorageError
from beseda.core.services import Services
from beseda.engine.jobs.model import SLOTS
from beseda.engine.processes.model import ROLES, RunningProcess
from beseda.engine.processes.registry import ProcessRegistry
from beseda.features.analytics.backlog import Backlog
from beseda.features.analytics.service import AnalyticsService
from beseda.features.webhooks.service import WebhookService

log = logging.getLogger(__name__)

_PATIENCE = 2.0  # seconds
_KEPT = 5.0  # seconds: the database is read no more often than that
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


@dataclass(frozen=True, slots=True)
class Installation:
    """The state of the whole installation, the same in every process that is asked.

    `backlog` and `processes` are None while the database does not answer; `parts` are the checks of `/ready`.
    """

    parts: Mapping[str, bool] = field(default_factory=dict)
    backlog: Backlog | None = None
    processes: Sequence[RunningProcess] | None = None
    free_bytes: int | None = None
    refusing_webhooks: int = 0


class InstallationGauges:
    """Reads the state of the installation when it is asked for, at most every five seconds."""

    def __init__(self, checks: Mapping[str, Check], sources: "MonitoringSources | None" = None) -> None:
        """Without `sources` only the checks are read."""
        self._checks = checks
        self._sources = sources
        self._found = Installation()
        self._found_at = float("-inf")
        self._backlog_failed = False

    async def look(self) -> Installation:
        """Return the state of the installation; parts that do not answer are missing from it."""
        if time.monotonic() - self._found_at > _KEPT:
            self._found_at = time.monotonic()
            self._found = await self._read()
        return self._found

    async def _read(self) -> Installation:
        problems = await ask_all(self._checks, _PATIENCE)
        parts = {name: not problem for name, problem in problems.items()}
        if self._sources is None:
            return Installation(parts)
        free = await asyncio.to_thread(self._sources.storage.read_free_bytes)
        try:
            async with asyncio.timeout(_PATIENCE):
                backlog = await self._sources.analytics.backlog()
                processes = await self._sources.processes.list_alive()
                secrets = await self._sources.webhooks.count_secrets()
        except (StorageError, TimeoutError) as error:
            if not self._backlog_failed:
                log.warning("the backlog cannot be read: %s", error)
            self._backlog_failed = True
            return Installation(parts, free_bytes=free)
        if self._backlog_failed:
            log.info("the backlog can be read again")
        self._backlog_failed = False
        return Installation(parts, backlog, processes, free, secrets.unknown)


@dataclass(frozen=True, slots=True)
class MonitoringSources:
    """The services that the gauges are read from."""

    analytics: AnalyticsService
    processes: ProcessRegistry
    webhooks: WebhookService
    storage: StorageFolder

    @classmethod
    def of(cls, services: Services) -> "MonitoringSources":
        """Return the sources among the services of a process."""
        kinds = (AnalyticsService, ProcessRegistry, WebhookService, StorageFolder)
        return cls(*map(services.get, kinds))


def monitoring_router(gauges: InstallationGauges) -> APIRouter:
    """Return `/metrics`."""
    router = APIRouter()

    @router.get(
        "/metrics",
        tags=["health"],
        summary="Get metrics in the format of Prometheus",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}, "example": "beseda_turns 7"}}}},
    )
    async def read_metrics() -> Response:
        body, content_type = write_metrics(await gauges.look())
        return Response(body, headers={"Content-Type": content_type, "Cache-Control": "no-store"})

    return router


def write_metrics(installation: Installation | None = None) -> tuple[bytes, str]:
    """Return the page and its content type."""
    registry = CollectorRegistry(auto_describe=False)
    for build in (ProcessCollector, PlatformCollector, GCCollector):
        build(registry=registry)
    registry.register(metrics.REGISTRY)
    registry.register(_InstallationCollector(installation or Installation()))
    return generate_latest(registry), CONTENT_TYPE_PLAIN_0_0_4


class _InstallationCollector(Collector):
    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges of the installation; prometheus_client calls it for each page."""
        info = GaugeMetricFamily("beseda_info", "Which program this is.", labels=["version"])
        info.add_metric([__version__], 1)
        yield info
        yield from _collect_parts(self._installation)
        if self._installation.backlog is not None:
            yield from _collect_backlog(self._installation.backlog)
            text = "Webhooks whose receivers have a key of a secret that is not set."
            yield GaugeMetricFamily("beseda_refusing_webhooks", text, value=self._installation.refusing_webhooks)


def _collect_backlog(backlog: Backlog) -> Iterator[Metric]:
    updates = GaugeMetricFamily("beseda_unfinished_updates", "Updates stored and not worked off.", labels=["bot"])
    for bot, count in backlog.updates.items():
        updates.add_metric([bot], count)
    jobs = GaugeMetricFamily("beseda_unfinished_jobs", "Jobs that are not over.", labels=["slot", "state"])
    for key, count in backlog.jobs.items():
        jobs.add_metric(key, count)
    yield from (updates, jobs)
    yield GaugeMetricFamily("beseda_unsent_webhooks", "Events that webhooks wait for.", value=backlog.webhooks)
    yield from _collect_lags(backlog)


def _collect_lags(backlog: Backlog) -> Iterator[Metric]:
    now = datetime.now(UTC)
    updates = GaugeMetricFamily("beseda_update_lag_seconds", "Age of the oldest unfinished update.", labels=["bot"])
    for bot in backlog.updates:
        updates.add_metric([bot], _age(backlog.oldest_update.get(bot), now))
    jobs = GaugeMetricFamily(
        "beseda_job_lag_seconds", "How long the oldest queued job could have run.", labels=["slot"]
    )
    for slot in SLOTS:
        jobs.add_metric([slot], _age(backlog.oldest_job.get(slot), now))
    yield from (updates, jobs)
    webhooks = _age(backlog.oldest_webhook, now)
    yield GaugeMetricFamily("beseda_webhook_lag_seconds", "Age of the oldest unsent event.", value=webhooks)
    ahead = max(0.0, (backlog.newest - now).total_seconds()) if backlog.newest is not None else 0.0
    yield GaugeMetricFamily(
        "beseda_clock_ahead_seconds", "How far the newest row lies in the future of this clock.", value=ahead
    )


def _age(moment: datetime | None, now: datetime) -> float:
    return max(0.0, (now - moment).total_seconds()) if moment is not None else 0.0


def _collect_parts(installation: Installation) -> Iterator[Metric]:
    parts = GaugeMetricFamily("beseda_part_up", "Whether a part of /ready answers: 1 or 0.", labels=["part"])
    for name, answers in installation.parts.items():
        parts.add_metric([name], float(answers))
    yield parts
    if installation.free_bytes is not None:
        free = float(installation.free_bytes)
        yield GaugeMetricFamily("beseda_disk_free_bytes", "Free space of the disk of STORAGE_DIR.", value=free)
    if installation.processes is not None:
        alive = Counter(process.role for process in installation.processes)
        processes = GaugeMetricFamily("beseda_processes", "Processes with a recent heartbeat.", labels=["role"])
        for role in ROLES:
            processes.add_metric([role], alive[role])
        yield processes
        keepers = sum(process.keeps_schedule for process in installation.processes)
        yield GaugeMetricFamily("beseda_schedules", "Processes that start scheduled jobs.", value=keepers)


class RequestMetricsMiddleware:
    """Counts requests by the template of their route; plain ASGI around everything else."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, note)
        finally:
            method = scope["method"] if scope["method"] in _METHODS else "other"
            # Where the gate refused, or nothing is there, no route was met: an address of a stranger is no label.
            route = getattr(scope.get("route"), "path", "none")
            metrics.api_request(method, route, status, time.perf_counter() - started)
