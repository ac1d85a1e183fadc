"""`/metrics`: what this process has counted, and what waits in the record, as Prometheus reads it.

The text format is https://prometheus.io/docs/instrumenting/exposition_formats/, written by prometheus_client. Whoever
may open the port may read it: it holds names of bots and endpoints, and numbers; no person, no key.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator

from fastapi import APIRouter
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from beseda import __version__, metrics
from beseda.domain.backlog import Backlog
from beseda.errors import StorageError

log = logging.getLogger(__name__)

ReadBacklog = Callable[[], Awaitable[Backlog]]
_PATIENCE = 2.0  # seconds
_KEPT = 5.0  # seconds: however often one asks, the record is asked no more than that
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class RecordGauges:
    """What waits in the record, read when it is asked for; nothing while nobody can say."""

    def __init__(self, read: ReadBacklog | None = None) -> None:
        self.read = read
        self._found: Backlog | None = None
        self._found_at = float("-inf")

    async def look(self) -> Backlog | None:
        """Return what waits, None where there is no record or it does not answer."""
        if self.read is not None and time.monotonic() - self._found_at > _KEPT:
            self._found_at = time.monotonic()
            try:
                self._found = await asyncio.wait_for(self.read(), _PATIENCE)
            except (StorageError, TimeoutError) as error:
                self._found = None
                log.warning("the record does not say what waits in it: %s", error)
        return self._found


def monitoring_router(gauges: RecordGauges) -> APIRouter:
    """Return `/metrics`."""
    router = APIRouter()

    @router.get(
        "/metrics",
        tags=["health"],
        summary="Read what Prometheus reads",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}, "example": "beseda_turns 7"}}}},
    )
    async def read_metrics() -> Response:
        body, content_type = write_metrics(await gauges.look())
        return Response(body, headers={"Content-Type": content_type, "Cache-Control": "no-store"})

    return router


def write_metrics(backlog: Backlog | None = None) -> tuple[bytes, str]:
    """Return the page and its content type."""
    # Loaded with the first page: it takes 45 ms and a process that nobody watches needs none of it.
    from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector  # noqa: PLC0415
    from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest  # noqa: PLC0415
    from prometheus_client.registry import Collector  # noqa: PLC0415

    class Ours(Collector):
        def collect(self) -> Iterable[object]:  # type: ignore[override]  # families of any kind
            yield from _collect(backlog)

    registry = CollectorRegistry(auto_describe=False)
    for build in (ProcessCollector, PlatformCollector, GCCollector):
        build(registry=registry)
    registry.register(Ours())
    return generate_latest(registry), CONTENT_TYPE_PLAIN_0_0_4


def _collect(backlog: Backlog | None) -> Iterator[object]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily  # noqa: PLC0415

    info = GaugeMetricFamily("beseda_info", "Which program this is.", labels=["version"])
    info.add_metric([__version__], 1)
    yield info
    for metric in metrics.METRICS:
        match metric:
            case metrics.Counter():
                counter = CounterMetricFamily(metric.name, metric.text, labels=metric.labels)
                for key, value in list(metric.values.items()):
                    counter.add_metric(key, value)
                yield counter
            case metrics.Histogram():
                histogram = HistogramMetricFamily(metric.name, metric.text, labels=metric.labels)
                for key, cells in list(metric.values.items()):
                    histogram.add_metric(key, _stack(metric, cells), cells[-1])
                yield histogram
            case metrics.Gauge():
                gauge = GaugeMetricFamily(metric.name, metric.text, labels=metric.labels)
                for key, read in list(metric.readers.items()):
                    gauge.add_metric(key, read())
                yield gauge
    if backlog is not None:
        yield from _collect_backlog(backlog)


def _stack(metric: metrics.Histogram, cells: list[float]) -> list[tuple[str, float]]:
    total, buckets = 0.0, []
    for bound, count in zip((*metric.bounds, "+Inf"), cells, strict=False):
        total += count
        buckets.append((str(bound), total))
    return buckets


def _collect_backlog(backlog: Backlog) -> Iterator[object]:
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415

    updates = GaugeMetricFamily("beseda_unfinished_updates", "Updates stored and not worked off.", labels=["bot"])
    for bot, count in backlog.updates.items():
        updates.add_metric([bot], count)
    jobs = GaugeMetricFamily("beseda_unfinished_jobs", "Jobs that are not over.", labels=["slot", "state"])
    for key, count in backlog.jobs.items():
        jobs.add_metric(key, count)
    yield from (updates, jobs)
    yield GaugeMetricFamily("beseda_unsent_webhooks", "Events that webhooks wait for.", value=backlog.webhooks)


class Measured:
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
