"""Counting is cheap, and nothing heavy is loaded for it."""

import subprocess
import sys

import pytest
from prometheus_client.parser import text_string_to_metric_families

from beseda import metrics
from beseda.api.monitoring import RecordGauges, write_metrics
from beseda.domain.backlog import Backlog
from beseda.domain.usage import ModelCall, Usage
from beseda.errors import StorageError


def read_page(backlog: Backlog | None = None) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Return the samples of the page by name and labels."""
    body, _ = write_metrics(backlog)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


def test_call_is_counted_with_what_it_used() -> None:
    metrics.model_call("unit", ModelCall("lab", "m", Usage(10, 5, 0.25), "stop", 120, 900))
    metrics.model_call("unit", ModelCall("lab", "m", Usage(7, 0), "error", 3, 3, "TimedOutError"))
    page = read_page()
    assert page["beseda_model_calls_total", (("endpoint", "lab"), ("error", ""))] == 1
    assert page["beseda_model_calls_total", (("endpoint", "lab"), ("error", "TimedOutError"))] == 1
    assert page["beseda_tokens_total", (("bot", "unit"), ("endpoint", "lab"), ("kind", "prompt"))] == 17
    assert page["beseda_cost_dollars_total", (("bot", "unit"), ("endpoint", "lab"))] == 0.25
    assert page["beseda_first_token_seconds_sum", (("endpoint", "lab"),)] == 0.12
    assert page["beseda_first_token_seconds_bucket", (("endpoint", "lab"), ("le", "0.25"))] == 1
    assert page["beseda_first_token_seconds_bucket", (("endpoint", "lab"), ("le", "0.1"))] == 0


def test_gauge_is_there_while_it_is_watched() -> None:
    key = ("beseda_events_in_flight", (("bot", "watched"),))
    with metrics.events_in_flight.watch(("watched",), lambda: 3.0):
        assert read_page()[key] == 3
    assert key not in read_page()


def test_backlog_is_shown() -> None:
    page = read_page(Backlog({"a": 2}, {("text", "queued"): 4}, 6))
    assert page["beseda_unfinished_updates", (("bot", "a"),)] == 2
    assert page["beseda_unfinished_jobs", (("slot", "text"), ("state", "queued"))] == 4
    assert page["beseda_unsent_webhooks", ()] == 6


async def test_record_is_not_asked_again_at_once() -> None:
    asked = []

    async def read() -> Backlog:
        asked.append(1)
        return Backlog({"a": len(asked)})

    gauges = RecordGauges(read)
    assert await gauges.look() == await gauges.look() == Backlog({"a": 1})
    assert len(asked) == 1


async def test_record_that_is_away_leaves_its_gauges_out() -> None:
    async def read() -> Backlog:
        raise StorageError("away")

    assert await RecordGauges(read).look() is None
    assert await RecordGauges().look() is None


@pytest.mark.parametrize("module", ["beseda.metrics", "beseda.storage.sql.turn", "beseda.api.app", "beseda.cli.app"])
def test_library_is_not_loaded_until_somebody_asks(module: str) -> None:
    code = f"import sys, {module}; print('prometheus_client' in sys.modules, 'openpyxl' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert run.stdout.split() == ["False", "False"], run.stderr
