"""What this process has counted since it began, for Prometheus.

Hot code calls the plain functions below; each is a look into a dictionary (a fifth of a microsecond). Nothing is
imported for it: the page is made where it is asked for (api/routes/metrics.py), and there alone prometheus_client,
whose import takes 45 ms, is loaded. Labels are few and come from settings and code: never a person, a chat or a text.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

Labels = tuple[str, ...]

# Seconds. An answer of a model takes from a blink to minutes, a request of the API a few milliseconds.
ANSWER_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 20.0, 30.0, 60.0, 120.0, 300.0)
REQUEST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
JOB_SECONDS = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)


class Counter:
    """A number that only grows, for each combination of its labels."""

    __slots__ = ("labels", "name", "text", "values")

    def __init__(self, name: str, text: str, labels: Labels) -> None:
        self.name = name
        self.text = text
        self.labels = labels
        self.values: dict[Labels, float] = {}

    def add(self, key: Labels, amount: float = 1.0) -> None:
        """Add `amount` for the labels of `key`."""
        self.values[key] = self.values.get(key, 0.0) + amount


class Histogram:
    """How often a measure fell under each of `bounds`, and their sum, for each combination of its labels."""

    __slots__ = ("bounds", "labels", "name", "text", "values")

    def __init__(self, name: str, text: str, labels: Labels, bounds: Sequence[float]) -> None:
        self.name = name
        self.text = text
        self.labels = labels
        self.bounds = tuple(bounds)
        self.values: dict[Labels, list[float]] = {}  # the counts, the one above all bounds, the sum

    def add(self, key: Labels, value: float) -> None:
        """Count one measure for the labels of `key`."""
        cells = self.values.get(key)
        if cells is None:
            cells = self.values[key] = [0.0] * (len(self.bounds) + 2)
        cells[bisect_left(self.bounds, value)] += 1
        cells[-1] += value


class Gauge:
    """What is measured when it is asked for."""

    __slots__ = ("labels", "name", "readers", "text")

    def __init__(self, name: str, text: str, labels: Labels) -> None:
        self.name = name
        self.text = text
        self.labels = labels
        self.readers: dict[Labels, Callable[[], float]] = {}

    @contextmanager
    def watch(self, key: Labels, read: Callable[[], float]) -> Iterator[None]:
        """Show what `read` returns for the length of the block."""
        self.readers[key] = read
        try:
            yield
        finally:
            if self.readers.get(key) is read:
                del self.readers[key]


_updates = Counter("beseda_updates", "Updates taken in.", ("bot",))
_turns = Counter("beseda_turns", "Turns that ended, by how.", ("bot", "state"))
_response = Histogram(
    "beseda_response_seconds", "From a message to its whole answer in the chat.", ("bot",), ANSWER_SECONDS
)
_calls = Counter("beseda_model_calls", "Calls of models; error is empty where all went well.", ("endpoint", "error"))
_first = Histogram("beseda_first_token_seconds", "From a call to the first word.", ("endpoint",), ANSWER_SECONDS)
_call_time = Histogram("beseda_model_call_seconds", "From a call to the last word.", ("endpoint",), ANSWER_SECONDS)
_tokens = Counter("beseda_tokens", "Tokens read (prompt) and written (completion).", ("bot", "endpoint", "kind"))
_cost = Counter("beseda_cost_dollars", "What endpoints say their calls cost, in US dollars.", ("bot", "endpoint"))
_floods = Counter("beseda_flood_waits", "How often Telegram told a bot to wait.", ("bot",))
_flood_time = Counter("beseda_flood_wait_seconds", "How long Telegram told a bot to wait.", ("bot",))
_jobs = Counter("beseda_jobs", "Jobs that ended here, by how.", ("kind", "state"))
_job_time = Histogram("beseda_job_seconds", "From a job's start to its end.", ("kind",), JOB_SECONDS)
_requests = Counter("beseda_api_requests", "Requests answered, by route and status.", ("method", "route", "status"))
_request_time = Histogram("beseda_api_request_seconds", "How long requests took.", ("route",), REQUEST_SECONDS)
_webhooks = Counter("beseda_webhooks", "Events sent to webhooks, by how it ended.", ("outcome",))
events_in_flight = Gauge("beseda_events_in_flight", "Events that wait in lanes or are worked on.", ("bot",))

METRICS: tuple[Counter | Histogram | Gauge, ...] = (
    _updates,
    _turns,
    _response,
    _calls,
    _first,
    _call_time,
    _tokens,
    _cost,
    _floods,
    _flood_time,
    _jobs,
    _job_time,
    _requests,
    _request_time,
    _webhooks,
    events_in_flight,
)


class TokenCount(Protocol):
    """What a call used."""

    @property
    def prompt_tokens(self) -> int: ...
    @property
    def completion_tokens(self) -> int: ...
    @property
    def cost(self) -> float | None: ...


class Call(Protocol):
    """A call of a model as the record has it; times are in milliseconds."""

    @property
    def endpoint(self) -> str: ...
    @property
    def usage(self) -> TokenCount: ...
    @property
    def first_token_ms(self) -> int: ...
    @property
    def total_ms(self) -> int: ...
    @property
    def error(self) -> str: ...


def updates(bot: str, count: int = 1) -> None:
    """Count updates that were taken in for the first time."""
    _updates.add((bot,), count)


def turn(bot: str, state: str, seconds: float | None = None) -> None:
    """Count a turn that ended; `seconds` is how long a person waited for the whole answer, where that says anything."""
    _turns.add((bot, state))
    if seconds is not None:
        _response.add((bot,), seconds)


def model_call(bot: str, call: Call) -> None:
    """Count a call of a model with what it used; one that failed has no times worth keeping."""
    endpoint, usage = call.endpoint, call.usage
    _calls.add((endpoint, call.error))
    if not call.error:
        _first.add((endpoint,), call.first_token_ms / 1000)
        _call_time.add((endpoint,), call.total_ms / 1000)
    _tokens.add((bot, endpoint, "prompt"), usage.prompt_tokens)
    _tokens.add((bot, endpoint, "completion"), usage.completion_tokens)
    if usage.cost:
        _cost.add((bot, endpoint), usage.cost)


def flood_wait(bot: str, seconds: float) -> None:
    """Count that Telegram told a bot to wait."""
    _floods.add((bot,))
    _flood_time.add((bot,), seconds)


def job(kind: str, state: str, seconds: float | None = None) -> None:
    """Count a job that ended in this process, `seconds` after it was started."""
    _jobs.add((kind, state))
    if seconds is not None:
        _job_time.add((kind,), seconds)


def api_request(method: str, route: str, status: int, seconds: float) -> None:
    """Count an answered request; `route` is the template of its path, never the path itself."""
    _requests.add((method, route, str(status)))
    _request_time.add((route,), seconds)


def webhook(outcome: str) -> None:
    """Count an event that was sent to a webhook: `delivered`, `pending` (to be tried again) or `dead`."""
    _webhooks.add((outcome,))
