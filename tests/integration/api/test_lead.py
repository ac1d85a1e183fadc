"""Leads over the API."""

from pathlib import Path
from typing import Any

import pytest

from beseda.features.leads.model import Finding
from tests.parts.api_server import ANNA, Answer, ApiServer, serve_app_api

BASE = "/api/v1/leads"
PHONE = "8 (999) 123-45-67"


async def post(api: ApiServer, user_id: int = 7, **body: Any) -> Answer:
    return await api.call("POST", BASE, json={"user_id": user_id, **body}, scope="write")


async def test_lead_is_made_then_found_then_updated(api: ApiServer) -> None:
    made = await post(api, name="<b>Аня</b>'; DROP TABLE leads; --", contact=f"{PHONE}, Anya@Mail.RU", source="site")
    assert (made.status, made.json["phone"], made.json["email"]) == (201, "+79991234567", "Anya@mail.ru")
    place = made.headers["Location"]
    assert place == f"{BASE}/{made.json['id']}"
    read = await api.get(place, scope="read")
    assert read.json == made.json
    assert read.json["name"] == "<b>Аня</b>'; DROP TABLE leads; --"
    again = await post(api, name="Анна")
    assert (again.status, again.json["id"], again.json["name"]) == (200, made.json["id"], "Анна")
    assert again.json["contact"] == made.json["contact"]


async def test_same_phone_is_a_possible_duplicate(api: ApiServer) -> None:
    one = await post(api, 7, contact="+7 999 123-45-67")
    two = await post(api, 8, contact=f"{PHONE}, b@example.org", name="Боря")
    assert (two.status, two.json["id"] != one.json["id"]) == (201, True)
    assert two.json["possible_duplicates"] == [{"lead_id": one.json["id"], "shares": ["phone"]}]
    seen = (await api.get(f"{BASE}/{one.json['id']}")).json
    assert seen == {**one.json, "possible_duplicates": [{"lead_id": two.json["id"], "shares": ["phone"]}]}
    events = (await api.get(f"{BASE}/{two.json['id']}/events")).json["items"]
    assert [item["type"] for item in events] == ["lead.possible_duplicate", "lead.created"]
    assert events[0]["data"]["possible_duplicates"] == [one.json["id"]]


async def test_person_of_the_company_merges_leads_and_separates_them(api: ApiServer) -> None:
    one, two = await post(api, 7, name="Аня"), await post(api, 8, contact=PHONE)
    place, other = one.headers["Location"], two.json["id"]
    body = {"lead_id": other}
    assert (await api.call("POST", f"{place}/merge", json=body, scope="read")).status == 403
    assert (await api.call("POST", f"{place}/merge", json=body, headers={"If-Match": '"99"'})).status == 412
    assert (await api.call("POST", f"{place}/merge", json={"lead_id": one.json["id"]})).status == 422
    assert (await api.call("POST", f"{place}/merge", json={"lead_id": 999})).status == 404
    merged = await api.call(
        "POST", f"{place}/merge", json=body, scope="write", headers={"If-Match": one.headers["ETag"]}
    )
    assert (merged.status, merged.json["id"], merged.json["phone"]) == (200, one.json["id"], "+79991234567")
    assert (await api.get(f"{BASE}/{other}")).json["merged_into"] == one.json["id"]
    assert (await api.call("POST", f"{place}/unmerge")).status == 409
    back = await api.call("POST", f"{BASE}/{other}/unmerge", scope="write")
    assert (back.status, back.json["merged_into"], back.json["phone"]) == (200, None, "+79991234567")
    left = (await api.get(place)).json
    assert (left["phone"], left["contact"], left["name"]) == ("", "", "Аня")
    types = [item["type"] for item in (await api.get(f"{place}/events")).json["items"]]
    assert types == ["lead.unmerged", "lead.merged", "lead.created"]


async def test_lead_without_a_telegram_user_is_made_and_found(api: ApiServer) -> None:
    made = await api.call("POST", BASE, json={"name": "Анна", "phone": PHONE, "source": "site"}, scope="write")
    assert (made.status, made.json["user_id"], made.json["phone"]) == (201, None, "+79991234567")
    assert (made.json["contact"], made.json["phone_evidence"]) == (PHONE, "company")
    [listed] = (await api.get(BASE, params={"q": "9991234567"})).json["items"]
    assert {name: made.json[name] for name in listed} == listed
    changed = await api.call("PATCH", made.headers["Location"], json={"email": "anna@Example.org"})
    assert (changed.json["phone"], changed.json["email"]) == ("+79991234567", "anna@example.org")
    emptied = await api.call("PATCH", made.headers["Location"], json={"phone": ""})
    assert (emptied.json["phone"], emptied.json["contact"]) == ("", "anna@example.org")
    assert (await api.call("DELETE", made.headers["Location"])).status == 204


@pytest.mark.parametrize(
    "body", [{}, {"name": "Анна"}, {"user_id": None}, {"phone": "no number"}, {"email": "nobody"}, {"phone": 5}]
)
async def test_lead_without_any_contact_is_refused(api: ApiServer, body: dict[str, Any]) -> None:
    assert (await api.call("POST", BASE, json=body)).status == 422


async def test_stage_is_one_of_the_funnel(api: ApiServer, tmp_path: Path) -> None:
    async with serve_app_api(tmp_path, api.app, ("sales", "assistant")) as server:
        made = await post(server)
        place = made.headers["Location"]
        for stage in ("</svg><script>alert(1)</script>", "Discovery", "sumary"):
            refused = await server.call("PATCH", place, json={"stage": stage})
            assert refused.status == 422
            assert "greeting, discovery, presentation" in refused.json["detail"]
        assert (await server.call("PATCH", place, json={"stage": "summary"})).json["stage"] == "summary"
        other = await post(server, bot="assistant")
        free = await server.call("PATCH", other.headers["Location"], json={"stage": "called back"})
        assert free.json["stage"] == "called back"


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_change_is_guarded_by_if_match(api: ApiServer, method: str) -> None:
    made = await post(api)
    place, tag = made.headers["Location"], made.headers["ETag"]
    body = {"status": "won", "owner": "Ирина", "stage": "summary", "notes": "1\n2"}
    changed = await api.call(method, place, json=body, headers={"If-Match": tag})
    assert (changed.status, {name: changed.json[name] for name in body}) == (200, body)
    assert changed.headers["ETag"] != tag
    for stale in (tag, '"99"', "x"):
        refused = await api.call(method, place, json={"notes": ""}, headers={"If-Match": stale})
        assert refused.status == 412
    assert (await api.call("DELETE", place, headers={"If-Match": tag})).status == 412
    assert (await api.call(method, place, json={"notes": ""})).json["notes"] == ""
    assert (await api.call("DELETE", place, headers={"If-Match": "*"})).status == 204
    assert (await api.get(place)).status == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"user_id": "7"},
        {"user_id": 0},
        {"user_id": 2**52},
        {"user_id": 7, "status": "won"},
        {"user_id": 7, "name": "x" * 201},
        {"user_id": 7, "name": 5},
        {"user_id": 7, "bot": "no/bot"},
        {"user_id": 7, "bot": "unknown"},
        {"user_id": True},
        [],
    ],
)
async def test_wrong_bodies_are_refused(api: ApiServer, body: Any) -> None:
    assert (await api.call("POST", BASE, json=body)).status == 422
    assert (await api.get(BASE)).json["total"] == 0


async def test_list_goes_on_by_cursor_and_by_page(api: ApiServer) -> None:
    numbers = [(await post(api, user, name=f"Пётр {user}")).json["id"] for user in range(1, 6)]
    seen: list[int] = []
    query = {"limit": "2", "sort": "created_at", "q": "петр"}
    while True:
        page = (await api.get(BASE, params=query)).json
        seen += [item["id"] for item in page["items"]]
        assert page["total"] == 5
        if page["next_cursor"] is None or len(seen) > 5:
            break
        query["cursor"] = page["next_cursor"]
    assert seen == numbers
    second = (await api.get(BASE, params={"limit": "2", "offset": "2"})).json
    assert [item["id"] for item in second["items"]] == numbers[::-1][2:4]
    assert "fields" not in second["items"][0]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"cursor": "nonsense"}, 400),
        ({"cursor": "WyJsZWFkczpjcmVhdGVkX2F0IiwxLDFd"}, 400),  # of the other order
        ({"cursor": "WyJsZWFkczotY3JlYXRlZF9hdCIsOTIyMzM3MjAzNjg1NDc3NTgwNywxXQ"}, 400),  # beyond all time
        ({"limit": "501"}, 422),
        ({"limit": "0"}, 422),
        ({"sort": "name"}, 422),
        ({"status": "gone"}, 422),
        ({"created_from": "yesterday"}, 422),
        ({"user_id": "9223372036854775807"}, 200),
        ({"q": "%' OR 1=1 --"}, 200),
    ],
)
async def test_wrong_queries_are_refused(api: ApiServer, query: dict[str, str], status: int) -> None:
    answer = await api.get(BASE, params=query)
    assert answer.status == status
    if status == 200:
        assert answer.json["items"] == []


async def test_fields_are_shown_with_their_sources(api: ApiServer) -> None:
    made = await post(api, ANNA.id, bot="assistant")
    chat = await api.talk("assistant", ANNA, [("нас двенадцать, 12 человек", "Спасибо!")])
    number = (await api.get(f"/api/v1/conversations/{chat.id}/messages")).json["items"][0]["id"]
    finding = Finding("people", "12", 0.93, number, "12 человек")
    await api.app.features.leads.fill(made.json["id"], [finding])
    [field] = (await api.get(made.headers["Location"])).json["fields"]
    assert (field["value"], field["message_id"], field["quote"]) == ("12", number, "12 человек")


async def test_consent_is_revoked_by_hand(api: ApiServer) -> None:
    made = await post(api)
    place = f"{made.headers['Location']}/consents/revoke"
    answer = await api.call("POST", place, json={"kind": "pdpa_profile"})
    [consent] = answer.json["consents"]
    assert (consent["kind"], consent["given_at"]) == ("pdpa_profile", None)
    assert consent["revoked_at"].endswith("Z")
    assert (await api.call("POST", place, json={"kind": "everything"})).status == 422


async def test_events_are_listed_newest_first(api: ApiServer) -> None:
    made = await post(api)
    await api.call("PATCH", made.headers["Location"], json={"stage": "discovery"})
    page = (await api.get("/api/v1/events", params={"limit": "1"})).json
    assert (page["items"][0]["type"], page["total"]) == ("lead.stage_changed", 2)
    rest = (await api.get("/api/v1/events", params={"limit": "1", "cursor": page["next_cursor"]})).json
    assert rest["items"][0]["type"] == "lead.created"
    assert rest["items"][0]["data"]["actor"].startswith("key:")
    only = (await api.get("/api/v1/events", params={"type": "lead.created", "bot": "assistant"})).json
    assert only["total"] == 1


async def test_absent_lead_is_not_found(api: ApiServer) -> None:
    for method, path in (("GET", "/5"), ("GET", "/5/events"), ("DELETE", "/5")):
        assert (await api.call(method, BASE + path)).status == 404
    for method in ("PUT", "PATCH"):
        assert (await api.call(method, f"{BASE}/5", json={})).status == 404


async def test_reading_key_changes_nothing(api: ApiServer) -> None:
    assert (await api.call("POST", BASE, json={"user_id": 7}, scope="read")).status == 403
    assert (await api.call("POST", BASE, json={"user_id": 7}, scope="")).status == 401
