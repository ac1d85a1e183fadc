"""Counting, and the page that Prometheus reads."""

from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from beseda.api.monitoring import Installation, InstallationGauges, write_metrics
from beseda.core import metrics
from beseda.core.usage import ModelCall, Usage
from beseda.features.analytics.backlog import Backlog


def read_page(installation: Installation | None = None) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Return the samples of the page by name and labels."""
    body, _ = write_metrics(installation)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


def test_call_is_counted_with_its_use() -> None:
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


def test_call_with_less_than_nothing_used_is_counted_without_it() -> None:
    metrics.model_call("strange", ModelCall("odd", "m", Usage(-10, -5, -0.25), "stop", 120, 900))
    metrics.flood_wait("strange", -1)
    page = read_page()
    assert page["beseda_model_calls_total", (("endpoint", "odd"), ("error", ""))] == 1
    assert page["beseda_tokens_total", (("bot", "strange"), ("endpoint", "odd"), ("kind", "completion"))] == 0
    assert ("beseda_cost_dollars_total", (("bot", "strange"), ("endpoint", "odd"))) not in page
    assert page["beseda_flood_wait_seconds_total", (("bot", "strange"),)] == 0


def test_no_series_is_added_beside_the_named_ones() -> None:
    metrics.turn("unit", "delivered", 1.5)
    assert {name for name, _ in read_page() if name.endswith("_created")} == set()


def test_gauge_is_there_while_it_is_watched() -> None:
    key = ("beseda_events_in_flight", (("bot", "watched"),))
    with metrics.watch_events_in_flight("watched", lambda: 3.0):
        assert read_page()[key] == 3
    assert key not in read_page()


def test_backlog_is_shown() -> None:
    page = read_page(Installation(backlog=Backlog({"a": 2}, {("text", "queued"): 4}, 6)))
    assert page["beseda_unfinished_updates", (("bot", "a"),)] == 2
    assert page["beseda_unfinished_jobs", (("slot", "text"), ("state", "queued"))] == 4
    assert page["beseda_unsent_webhooks", ()] == 6


async def test_installation_is_not_read_again_within_seconds() -> None:
    asked = []

    async def check() -> str:
        asked.append(1)
        return ""

    gauges = InstallationGauges({"database": check})
    assert (await gauges.look()).parts == (await gauges.look()).parts == {"database": True}
    assert len(asked) == 1


async def test_part_that_does_not_answer_is_a_gauge_at_zero() -> None:
    async def fail() -> str:
        return "cannot be written"

    page = read_page(await InstallationGauges({"database": fail}).look())
    assert page["beseda_part_up", (("part", "database"),)] == 0


def test_gauges_stand_at_zero_if_nothing_waits_and_nothing_runs() -> None:
    page = read_page(Installation(backlog=Backlog({"a": 0}, {("text", "queued"): 0}), processes=()))
    assert page["beseda_update_lag_seconds", (("bot", "a"),)] == 0
    assert page["beseda_job_lag_seconds", (("slot", "heavy"),)] == 0
    assert page["beseda_webhook_lag_seconds", ()] == 0
    assert page["beseda_processes", (("role", "worker"),)] == 0
    assert page["beseda_schedules", ()] == 0
    assert page["beseda_clock_ahead_seconds", ()] == 0


def test_lag_is_the_age_of_the_oldest() -> None:
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    backlog = Backlog({"a": 2}, oldest_update={"a": hour_ago}, oldest_job={"text": hour_ago}, oldest_webhook=hour_ago)
    page = read_page(Installation(backlog=backlog))
    lags = (
        page["beseda_update_lag_seconds", (("bot", "a"),)],
        page["beseda_job_lag_seconds", (("slot", "text"),)],
        page["beseda_webhook_lag_seconds", ()],
    )
    assert lags == pytest.approx((3600, 3600, 3600), abs=5)
