"""Broadcasts over the API, from a draft to its report, with a real bot that sends."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from beseda.core.chat import Person
from beseda.testing.scripted_model import ScriptedModel
from tests.parts.api_server import ANNA as ANNA_HERE
from tests.parts.api_server import Answer, ApiServer, serve_app_api
from tests.parts.living_bot import ANNA, LivingBot, living_bot
from tests.parts.waiting import eventually

BASE = "/api/v1/broadcasts"
DRAFT: dict[str, Any] = {
    "bot": "assistant",
    "title": "News",
    "texts": {"ru": "**Новости** дня", "en": "News"},
    "button": {"labels": {"ru": "Читать"}, "url": "https://example.org/news"},
    "quiet_hours": "",
}
PNG = (Path(__file__).parents[2] / "samples" / "photo" / "deep.png").read_bytes()


async def write(api: ApiServer, **changes: Any) -> dict[str, Any]:
    answer = await api.call("POST", BASE, json=DRAFT | changes, scope="write")
    assert answer.status == 201, answer.json
    return dict(answer.json)


async def step(api: ApiServer, draft: dict[str, Any], name: str, **options: Any) -> Answer:
    return await api.call("POST", f"{BASE}/{draft['id']}/{name}", **options)


async def wait_for(api: ApiServer, draft: dict[str, Any], **wanted: object) -> dict[str, Any]:
    async def is_there() -> bool:
        found = (await api.get(f"{BASE}/{draft['id']}")).json
        return all(found[name] == value for name, value in wanted.items())

    await eventually(is_there)
    return dict((await api.get(f"{BASE}/{draft['id']}")).json)


@pytest.fixture
async def living(tmp_path: Path) -> AsyncIterator[LivingBot]:
    async with living_bot(tmp_path, ScriptedModel(), ADMIN_IDS=str(ANNA)) as bot:
        for user_id in (ANNA, 7000000003):
            user = await bot.user(user_id)
            await user.say("/start")
            await user.wait_reply()
        yield bot


@pytest.fixture
async def office(living: LivingBot, tmp_path: Path) -> AsyncIterator[ApiServer]:
    async with serve_app_api(tmp_path, living.app) as server:
        yield server


async def test_draft_is_tried_on_the_owner_then_sent_to_all(living: LivingBot, office: ApiServer) -> None:
    draft = await write(office, cohort="admins")
    assert (draft["state"], draft["counts"]["total"], draft["quiet_hours"]) == ("draft", 0, "")
    people = await office.get(f"{BASE}/{draft['id']}/audience", scope="read")
    started = (await step(office, draft, "start")).json
    assert (people.json, started["state"]) == ({"people": 2}, "testing")
    await (await living.user()).wait_text("Новости дня")
    await wait_for(office, draft, waits=True)
    assert (await step(office, draft, "continue")).json["state"] == "running"
    report = await wait_for(office, draft, state="done")
    assert (report["counts"]["sent"], report["counts"]["unsettled"]) == (report["counts"]["total"], 0)
    found = (await office.get(f"{BASE}/{draft['id']}/recipients?state=sent&limit=1", scope="read")).json
    assert (found["items"][0]["user_id"], found["items"][0]["state"]) == (ANNA, "sent")


async def test_draft_is_changed_only_with_its_version(api: ApiServer) -> None:
    draft = await write(api)
    path = f"{BASE}/{draft['id']}"
    changed = await api.call("PATCH", path, json={"title": "Other", "button": None}, headers={"If-Match": '"1"'})
    assert (changed.json["title"], changed.json["button"], changed.headers["ETag"]) == ("Other", None, '"2"')
    assert (await api.call("PATCH", path, json={"rate": 5}, headers={"If-Match": '"1"'})).status == 412
    assert (await api.call("DELETE", path)).status == 204
    assert (await api.get(path)).status == 404


async def test_audience_knows_leads(api: ApiServer) -> None:
    await api.talk("assistant")
    await api.talk("assistant", Person(700_000_002, "Boris"))
    lead = await api.app.features.leads.for_user("assistant", ANNA_HERE)
    for wanted, people in (({"lead_statuses": ["active"]}, 1), ({"lead_statuses": ["won"]}, 0), ({}, 2)):
        draft = await write(api, audience=wanted)
        assert (await api.get(f"{BASE}/{draft['id']}/audience")).json == {"people": people}
    draft = await write(api, audience={"lead_statuses": ["active"], "lead_stages": [lead.stage or "none"]})
    assert (await api.get(f"{BASE}/{draft['id']}/audience")).json == {"people": 1 if lead.stage else 0}


async def test_photo_is_a_jpeg_or_a_png(api: ApiServer) -> None:
    draft = await write(api)
    path = f"{BASE}/{draft['id']}/photo"
    put = await api.call("PUT", path, json={"content": base64.b64encode(PNG).decode()})
    assert (put.status, put.json["photo"]) == (200, "image/png")
    for wrong in (base64.b64encode(b"GIF89a").decode(), "abcde", ""):
        assert (await api.call("PUT", path, json={"content": wrong})).status == 422
    assert await api.app.features.broadcasts.store.photo(draft["id"]) == PNG
    assert (await api.call("DELETE", path)).json["photo"] is None


async def test_steps_that_do_not_go_with_the_state_are_refused(api: ApiServer) -> None:
    draft = await write(api)
    for name in ("continue", "pause", "resume"):
        answer = await step(api, draft, name)
        assert (answer.status, answer.json["code"]) == (409, "broadcast_state")
    assert (await step(api, draft, "start")).json["state"] == "running"
    other = await write(api)
    busy = await step(api, other, "start")
    assert (busy.status, busy.json["code"]) == (409, "broadcast_busy")
    assert (await api.call("DELETE", f"{BASE}/{draft['id']}")).status == 409
    assert (await step(api, draft, "cancel", scope="write")).json["state"] == "cancelled"
    assert (await step(api, {"id": 404}, "start")).status == 404


@pytest.mark.parametrize("name", ["start", "continue", "resume"])
async def test_sending_needs_the_scope_admin(api: ApiServer, name: str) -> None:
    draft = await write(api)
    assert (await step(api, draft, name, scope="write")).status == 403


async def test_list_goes_on_by_cursor(api: ApiServer) -> None:
    made = [(await write(api))["id"] for _ in range(3)]
    first = (await api.get(f"{BASE}?limit=2&state=draft", scope="read")).json
    assert ([item["id"] for item in first["items"]], first["total"]) == ([made[2], made[1]], 3)
    rest = (await api.get(f"{BASE}?limit=2&cursor={first['next_cursor']}")).json
    assert [item["id"] for item in rest["items"]] == [made[0]]


@pytest.mark.parametrize(
    "wrong",
    [
        {"texts": {}},
        {"texts": {"de": "Neues"}},
        {"texts": {"ru": " "}},
        {"texts": {"ru": "x" * 4000}},
        {"button": {"labels": {"ru": "x"}, "url": "javascript:alert(1)"}},
        {"rate": 26},
        {"cohort": 0},
        {"cohort": "everybody"},
        {"quiet_hours": "22:00"},
        {"quiet_hours": "09:00-09:00"},
        {"audience": {"languages": ["RU"]}},
        {"bot": "nobody"},
        {"nonsense": 1},
    ],
    ids=str,
)
async def test_wrong_draft_is_refused(api: ApiServer, wrong: dict[str, Any]) -> None:
    assert (await api.call("POST", BASE, json=DRAFT | wrong)).status == 422
