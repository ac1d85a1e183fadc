"""Figures over HTTP: of this minute, and never more than a hundred percent."""

from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from beseda.core import metrics
from beseda.features.leads.model import NewLead
from tests.parts.api_server import ANNA, ApiServer

METRICS, SERIES = "/api/v1/analytics/metrics", "/api/v1/analytics/series"


async def test_figures_are_those_of_this_minute(api: ApiServer) -> None:
    await api.talk(said=[("Привет", "Здравствуйте!"), ("Как дела?", "Хорошо")])
    found = (await api.get(METRICS)).json
    assert (found["conversations"], found["messages"], found["answers"], found["active_users"]) == (1, 2, 2, 1)
    await api.app.features.analytics.roll_up()
    assert {**(await api.get(METRICS)).json, "updated_at": "", "from": "", "to": ""} == {
        **found,
        "updated_at": "",
        "from": "",
        "to": "",
    }
    assert (await api.get(METRICS, params={"bot": "llama"})).json["messages"] == 0


async def test_conversion_is_of_the_leads_that_came(api: ApiServer) -> None:
    await api.talk("sales")
    lead = (await api.app.features.leads.open(NewLead("sales", ANNA.id, stage="greeting"))).lead
    answer = await api.call("PUT", f"/api/v1/leads/{lead.id}", json={"status": "won"})
    assert answer.status == 200
    leads = (await api.get(METRICS)).json["leads"]
    assert leads == {
        "total": 1,
        "by_status": {"won": 1},
        "by_stage": {"greeting": 1},
        "won": 1,
        "conversion_percent": 100.0,
    }
    await api.app.features.analytics.roll_up()
    await api.app.features.analytics.roll_up_days()
    [stage] = (await api.get(METRICS)).json["funnel"]
    assert stage == {"bot": "sales", "stage": "greeting", "entered": 1, "exited": 0, "won": 1}


async def test_series_has_a_point_for_every_day(api: ApiServer) -> None:
    await api.talk()
    asked = {"metric": "messages", "from": "2026-11-01T00:00:00Z"}
    points = (await api.get(SERIES, params=asked)).json["points"]
    assert points[0] == {"at": "2026-11-01T00:00:00Z", "value": 0}
    assert points[-1]["value"] == 1


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        (METRICS, {"from": "2026-11-20T00:00:00Z", "to": "2026-11-19T00:00:00Z"}),
        (METRICS, {"from": "yesterday"}),
        (METRICS, {"bot": "'; DROP TABLE leads; --"}),
        (SERIES, {"metric": "happiness"}),
        (SERIES, {"metric": "messages", "step": "second"}),
        (SERIES, {"metric": "messages", "step": "hour", "from": "0001-01-01T00:00:00Z"}),
        (SERIES, {"metric": "active_users", "step": "hour"}),
    ],
)
async def test_senseless_request_is_refused(api: ApiServer, path: str, asked: dict[str, Any]) -> None:
    answer = await api.get(path, params=asked)
    assert (answer.status, answer.json["status"]) == (422, 422)


@pytest.mark.parametrize("edge", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-01-01T00:00:00+14:00"])
async def test_ends_of_time_are_no_failure(api: ApiServer, edge: str) -> None:
    for name in ("from", "to"):
        assert (await api.get(METRICS, params={name: edge})).status in {200, 422}
        assert (await api.get(SERIES, params={"metric": "cost", "step": "week", name: edge})).status in {200, 422}


async def test_prometheus_reads_the_page(api: ApiServer) -> None:
    metrics.turn('as"sist\\ant\n', "delivered", 1.5)
    metrics.flood_wait("assistant", 7)
    await api.talk()
    await api.enqueue()
    await api.call("GET", "/api/v1/leads/999999999")
    await api.call("GET", "/api/v1/leads", scope="")
    answer = await api.call("GET", "/metrics", scope="")
    assert answer.headers["Content-Type"].startswith("text/plain")
    families = {family.name: family for family in text_string_to_metric_families(answer.body.decode())}
    labels = [sample.labels for sample in families["beseda_turns"].samples]
    assert {"bot": 'as"sist\\ant\n', "state": "delivered"} in labels
    routes = {(s.labels["route"], s.labels["status"]) for s in families["beseda_api_requests"].samples}
    assert {("/api/v1/leads/{lead_id}", "404"), ("none", "401")} <= routes
    jobs = [sample for sample in families["beseda_unfinished_jobs"].samples if sample.value]
    assert [(sample.labels["state"], sample.value) for sample in jobs] == [("queued", 1)]
    buckets = [s for s in families["beseda_response_seconds"].samples if s.labels.get("le") == "+Inf"]
    assert buckets
    assert "process_resident_memory_bytes" in families


async def test_page_shows_no_name_of_a_person_and_no_key(api: ApiServer) -> None:
    await api.talk()
    await api.app.features.leads.open(NewLead("assistant", ANNA.id, name="Анна Каренина", contact="+79161234567"))
    page = (await api.call("GET", "/metrics", scope="")).body.decode()
    for secret in ("Анна", "9161234567", str(ANNA.id), *api.keys.values()):
        assert secret not in page
