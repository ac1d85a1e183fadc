"""Refusals name the part of a request that is wrong, in words that a developer can act upon."""

import pytest
from yarl import URL

from tests.parts.api_server import ApiServer

BASE = "/api/v1"


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("/meetings/slots?bot=assistant", "bot 'assistant' has no calendar"),
        ("/meetings/7", "There is no meeting 7."),
        ("/leads/7", "There is no lead 7."),
        ("/conversations/7", "There is no conversation 7."),
        ("/webhooks/7", "There is no webhook 7."),
        ("/jobs/7", "There is no job 7."),
    ],
)
async def test_number_that_never_was_is_not_called_gone(api: ApiServer, path: str, detail: str) -> None:
    answer = await api.get(BASE + path)
    assert (answer.status, detail in answer.json["detail"]) == (404, True), answer.json


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("metric=messages&step=day&from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", "`to` must be later than"),
        ("metric=messages&step=hour&from=2020-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", "2000 points"),
        ("metric=messages&step=day&from=2026-01-01T00:00:00+03:00", "%2B"),
        ("metric=messages&step=day&from=2026-01-01T00:00:00+0300", "%2B"),
        ("metric=active_users&step=hour", "`step=day`"),
    ],
)
async def test_period_is_refused_by_its_bound(api: ApiServer, query: str, words: str) -> None:
    answer = await api.get(str(URL(f"{BASE}/analytics/series?{query}", encoded=True)))
    assert (answer.status, words in answer.json["detail"]) == (422, True), answer.json


@pytest.mark.parametrize("path", [f"{BASE}/leads", f"{BASE}/bots/assistant", "/health", "/metrics", "/docs"])
async def test_head_is_get_without_its_body(api: ApiServer, path: str) -> None:
    head, whole = await api.call("HEAD", path), await api.get(path)
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Type"] == whole.headers["Content-Type"]
    assert (await api.call("HEAD", f"{BASE}/leads/99")).status == 404


@pytest.mark.parametrize(
    ("tags", "status"), [('"1", "2"', 200), ('"7" , "1"', 200), ('"7", "8"', 412), ('"1",', 412), ('"1" "2"', 412)]
)
async def test_change_may_be_meant_for_several_versions(api: ApiServer, tags: str, status: int) -> None:
    made = await api.call("POST", f"{BASE}/leads", json={"user_id": 7})
    place = f"{BASE}/leads/{made.json['id']}"
    changed = await api.call("PATCH", place, json={"owner": "Irina"}, headers={"If-Match": tags})
    assert changed.status == status
