"""Lists that a slip in the address must not turn into others, and their order."""

import pytest

from beseda.core.ids import new_id
from beseda.engine.jobs.model import JobRequest
from beseda.engine.jobs.repository import JobRepository
from tests.parts.api_server import ApiServer

LISTS = ("leads", "events", "webhooks", "conversations", "meetings", "jobs", "files", "broadcasts", "keys", "bots")


@pytest.mark.parametrize("path", [*LISTS, "analytics/metrics", "analytics/reports", "leads/1", "bots/assistant"])
async def test_unknown_parameter_is_refused_and_named(api: ApiServer, path: str) -> None:
    answer = await api.get(f"/api/v1/{path}", params={"staus": "won", "limit_": "5"})
    assert answer.status == 422, answer.body
    assert [error["place"] for error in answer.json["errors"]] == ["query.staus", "query.limit_"]
    assert "no such parameter" in answer.json["detail"]


async def test_refusal_names_the_parameters_that_there_are(api: ApiServer) -> None:
    answer = await api.get("/api/v1/leads", params={"updated_since": "2026-11-01T00:00:00Z"})
    assert (answer.status, "updated_from" in answer.json["detail"]) == (422, True)
    refused = await api.call("POST", "/api/v1/leads", params={"dry_run": "1"}, json={"user_id": 7})
    assert refused.status == 422
    assert (await api.get("/api/v1/leads")).json["total"] == 0


async def test_jobs_are_listed_by_their_time_whatever_their_number(api: ApiServer) -> None:
    numbers = [new_id(), 5, new_id(), 2**62, 7]
    for number in numbers:
        await JobRepository(api.app.engine.database, api.app.engine.clock).add(
            JobRequest(number, "photo.enhance", {}, "assistant")
        )
    expected = [str(number) for number in reversed(numbers)]
    listed, cursor = [], ""
    for step in range(3):
        page = (await api.get("/api/v1/jobs", params={"limit": "2", **({"cursor": cursor} if cursor else {})})).json
        listed += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if step == 0:  # what comes meanwhile shifts nothing
            await JobRepository(api.app.engine.database, api.app.engine.clock).add(
                JobRequest(3, "photo.enhance", {}, "assistant")
            )
    assert listed == expected
