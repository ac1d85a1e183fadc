"""Metrics of this process in prometheus_client.

The functions below are called by the code that stores the data (`storage/sql`), so that every path through the program
is counted. Labels are few and come from settings and code, never from a person, a chat or a text.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

# Seconds. An answer of a model takes from a blink to minutes, a request of the API a few milliseconds.
_ANSWER_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 20.0, 30.0, 60.0, 120.0, 300.0)
_REQUEST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_JOB_SECONDS = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)

# The library would add a series `…_created` to each counter: twice as many series, which no dashboard reads.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library gives it no types
REGISTRY = CollectorRegistry(auto_describe=False)


def _counter(name: str, text: str, *labels: str) -> Counter:
    return Counter(name, text, labels, registry=REGISTRY)


def _histogram(name: str, text: str, label: str, bounds: tuple[float, ...]) -> Histogram:
    return Histogram(name, text, (label,), buckets=bounds, registry=REGISTRY)


_updates = _counter("beseda_updates", "Updates taken in.", "bot")
_turns = _counter("beseda_turns", "Turns that ended, by how.", "bot", "state")
_response = _histogram(
    "beseda_response_seconds", "From a message to its whole answer in the chat.", "bot", _ANSWER_SECONDS
)
_calls = _counter("beseda_model_calls", "Calls of models; error is empty where all went well.", "endpoint", "error")
_first = _histogram("beseda_first_token_seconds", "From a call to the first word.", "endpoint", _ANSWER_SECONDS)
_call_time = _histogram("beseda_model_call_seconds", "From a call to the last word.", "endpoint", _ANSWER_SECONDS)
_tokens = _counter("beseda_tokens", "Tokens read (prompt) and written (completion).", "bot", "endpoint", "kind")
_cost = _counter("beseda_cost_dollars", "What endpoints say their calls cost, in US dollars.", "bot", "endpoint")
_floods = _counter("beseda_flood_waits", "How often Telegram told a bot to wait.", "bot")
_flood_time = _counter("beseda_flood_wait_seconds", "How long Telegram told a bot to wait.", "bot")
_jobs = _counter("beseda_jobs", "Jobs that ended here, by how.", "kind", "state")
_job_time = _histogram("beseda_job_seconds", "From a job's start to its end.", "kind", _JOB_SECONDS)
_requests = _counter("beseda_api_requests", "Requests answered, by route and status.", "method", "route", "status")
_request_time = _histogram("beseda_api_request_seconds", "How long requests took.", "route", _REQUEST_SECONDS)
_webhooks = _counter("beseda_webhooks", "Events sent to webhooks, by how it ended.", "outcome")
_webhook_up = Gauge(
    "beseda_telegram_webhook_up",
    "Whether Telegram delivers a bot's updates to its webhook: 1 or 0.",
    ("bot",),
    registry=REGISTRY,
)
_in_flight = Gauge(
    "beseda_events_in_flight", "Events that wait in lanes or are worked on.", ("bot",), registry=REGISTRY
)


class CountedTokens(Protocol):
    """The usage of a model call."""

    @property
    def prompt_tokens(self) -> int: ...
    @property
    def completion_tokens(self) -> int: ...
    @property
    def cost(self) -> float | None: ...


class CountedCall(Protocol):
    """A call of a model as the record has it; times are in milliseconds."""

    @property
    def endpoint(self) -> str: ...
    @property
    def usage(self) -> CountedTokens: ...
    @property
    def first_token_ms(self) -> int: ...
    @property
    def total_ms(self) -> int: ...
    @property
    def error(self) -> str: ...


@contextmanager
def watch_events_in_flight(bot: str, read: Callable[[], float]) -> Iterator[None]:
    """Show the result of `read` for a bot for the length of the block."""
    _in_flight.labels(bot).set_function(read)
    try:
        yield
    finally:
        _in_flight.remove(bot)


@contextmanager
def watch_telegram_webhook(bot: str, read: Callable[[], float]) -> Iterator[None]:
    """Show the result of `read`, 1 or 0, for a bot for the length of the block."""
    _webhook_up.labels(bot).set_function(read)
    try:
        yield
    finally:
        _webhook_up.remove(bot)


def updates(bot: str, count: int = 1) -> None:
    """Count updates that were taken in for the first time."""
    _updates.labels(bot).inc(count)


def turn(bot: str, state: str, seconds: float | None = None) -> None:
    """Count a turn that ended; `seconds` is how long a person waited for the whole answer, if that is known."""
    _turns.labels(bot, state).inc()
    if seconds is not None:
        _response.labels(bot).observe(seconds)


def model_call(bot: str, call: CountedCall) -> None:
    """Count a call of a model with its usage. The times of a failed call are not kept."""
    endpoint, usage = call.endpoint, call.usage
    _calls.labels(endpoint, call.error).inc()
    if not call.error:
        _first.labels(endpoint).observe(call.first_token_ms / 1000)
        _call_time.labels(endpoint).observe(call.total_ms / 1000)
    # Counters refuse negative numbers, and a server that sends one must not fail the turn that is being recorded.
    _tokens.labels(bot, endpoint, "prompt").inc(max(0, usage.prompt_tokens))
    _tokens.labels(bot, endpoint, "completion").inc(max(0, usage.completion_tokens))
    if usage.cost is not None and usage.cost > 0:
        _cost.labels(bot, endpoint).inc(usage.cost)


def flood_wait(bot: str, seconds: float) -> None:
    """Count a wait that Telegram asked of a bot."""
    _floods.labels(bot).inc()
    _flood_time.labels(bot).inc(max(0.0, seconds))


def job(kind: str, state: str, seconds: float | None = None) -> None:
    """Count a job that ended in this process, `seconds` after it was started."""
    _jobs.labels(kind, state).inc()
    if seconds is not None:
        _job_time.labels(kind).observe(seconds)


def api_request(method: str, route: str, status: int, seconds: float) -> None:
    """Count an answered request; `route` is the template of its path, never the path itself."""
    _requests.labels(method, route, str(status)).inc()
    _request_time.labels(route).observe(seconds)


def webhook(outcome: str) -> None:
    """Count an event that was sent to a webhook: `delivered`, `pending` (to be tried again) or `dead`."""
    _webhooks.labels(outcome).inc()
