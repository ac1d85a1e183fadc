"""Webhooks over the API, with a real receiver, from an event to a dead letter sent again."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from beseda.app_tasks import register_tasks
from beseda.features.webhooks.keys import sign_legacy
from tests.parts.api_server import ApiServer, serve_api
from tests.parts.waiting import eventually
from tests.parts.webhook_receiver import receive_events

BASE, LEADS = "/api/v1/webhooks", "/api/v1/leads"
SETTINGS = {"BESEDA_EVENTS_SECRET": "a secret of sixteen letters", "BESEDA_WEBHOOKS_ALLOW_PRIVATE": "on"}


@pytest.fixture
async def working(tmp_path: Path) -> AsyncIterator[ApiServer]:
    """The API of a process that works on jobs."""
    async with serve_api(tmp_path, **SETTINGS) as server:
        register_tasks(server.app)
        yield server


async def test_lead_is_published_immediately_and_a_failure_is_shown_and_repeated(working: ApiServer) -> None:
    async with receive_events() as receiver:
        receiver.answers.append(410)
        made = await working.call("POST", BASE, json={"url": receiver.url, "types": ["lead.created"]})
        place = made.headers["Location"]
        assert (made.status, made.json["key"][:6], made.json["active"]) == (201, "whsec_", True)
        assert "key" not in (await working.get(place)).json
        await working.call("POST", LEADS, json={"user_id": 7, "name": "Аня"})

        async def is_dead() -> bool:
            return bool((await working.get(f"{place}/deliveries", params={"state": "dead"})).json["total"])

        await eventually(is_dead)
        [dead] = (await working.get(f"{place}/deliveries")).json["items"]
        assert (dead["state"], dead["status"], dead["event"]["type"]) == ("dead", 410, "lead.created")
        off = (await working.get(place)).json
        assert (off["active"], "410" in off["reason"]) == (False, True)
        on = await working.call("PATCH", place, json={"active": True})
        assert (on.json["active"], on.json["reason"]) == (True, "")
        again = await working.call("POST", f"{place}/deliveries/{dead['id']}/redeliver")
        assert (again.status, again.json["state"]) == (202, "pending")

        async def is_told() -> bool:
            return len(receiver.received) == 2

        await eventually(is_told)
    last = receiver.received[-1]
    stamp = int(last.headers["Beseda-Timestamp"])
    assert last.headers["Beseda-Signature"] == sign_legacy(made.json["key"], stamp, last.body)
    receiver_side = Webhook(made.json["key"])
    assert receiver_side.verify(last.body, last.headers)["data"]["name"] == "Аня"
    with pytest.raises(WebhookVerificationError):
        receiver_side.verify(last.body.replace(b"lead", b"LEAD"), last.headers)
    with pytest.raises(WebhookVerificationError):
        receiver_side.verify(last.body, {**last.headers, "webhook-timestamp": str(stamp - 1)})


async def test_key_is_replaced(working: ApiServer) -> None:
    made = await working.call("POST", BASE, json={"url": "http://127.0.0.1:9/hook"})
    other = await working.call("POST", f"{made.headers['Location']}/key")
    assert (other.status, other.json["id"]) == (200, made.json["id"])
    assert other.json["key"] != made.json["key"]


async def test_webhook_is_listed_changed_and_deleted(working: ApiServer) -> None:
    made = await working.call("POST", BASE, json={"url": "http://127.0.0.1:9/hook"})
    place = made.headers["Location"]
    changed = await working.call("PATCH", place, json={"types": ["lead.merged"], "bot": "assistant"})
    assert (changed.json["types"], changed.json["bot"]) == (["lead.merged"], "assistant")
    listed = (await working.get(BASE)).json
    assert ([item["id"] for item in listed["items"]], listed["total"]) == ([made.json["id"]], 1)
    assert (await working.call("DELETE", place)).status == 204
    for method, path in (("GET", ""), ("GET", "/deliveries"), ("POST", "/deliveries/1/redeliver"), ("POST", "/key")):
        assert (await working.call(method, place + path)).status == 404


async def test_missing_secret_is_named(api: ApiServer) -> None:
    answer = await api.call("POST", BASE, json={"url": "https://crm.example.org/hook"})
    assert (answer.status, answer.json["code"]) == (409, "webhooks_off")
    assert "BESEDA_EVENTS_SECRET" in answer.json["detail"]


@pytest.mark.parametrize(
    "url", ["http://crm.example.org/", "https://127.0.0.1/", "https://169.254.169.254/", "file:///etc/passwd", "x"]
)
async def test_private_addresses_are_refused(tmp_path: Path, url: str) -> None:
    secret = {"BESEDA_EVENTS_SECRET": SETTINGS["BESEDA_EVENTS_SECRET"]}
    async with serve_api(tmp_path, **secret) as server:
        answer = await server.call("POST", BASE, json={"url": url})
    assert answer.status == 422
    assert answer.json["detail"]


async def test_wrong_bodies_are_refused(working: ApiServer) -> None:
    url = "http://127.0.0.1:9/hook"
    for body in ({}, {"url": url, "types": ["lead.stolen"]}, {"url": url, "bot": "a/b"}, {"url": url, "more": 1}):
        assert (await working.call("POST", BASE, json=body)).status == 422


@pytest.mark.parametrize("scope", ["read", "write"])
async def test_webhooks_are_for_admins(working: ApiServer, scope: str) -> None:
    assert (await working.get(BASE, scope=scope)).status == 403
    assert (await working.call("POST", BASE, scope=scope, json={"url": "http://127.0.0.1:9/hook"})).status == 403
