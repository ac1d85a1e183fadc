"""Meetings over the API."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from beseda.core.chat import Person
from beseda.engine.calendar import Calendar, Opening
from beseda.features.meetings.model import Diary, MeetingSummary
from tests.parts.api_server import ANNA, Answer, ApiServer, at_once
from tests.parts.ics_reader import read_ics

BASE, BOT = "/api/v1/meetings", "sales"
ALWAYS = Calendar(ZoneInfo("Europe/Moscow"), {day: (Opening(0, 1440),) for day in range(7)}, notice=timedelta(hours=1))


async def open_office(api: ApiServer, person: Person = ANNA) -> int:
    """Have a bot that makes appointments, and return a lead of its."""
    api.app.features.meetings.adopt({BOT: Diary(ALWAYS)})
    await api.talk(BOT, person)
    return (await api.app.features.leads.for_user(BOT, person)).id


async def free(api: ApiServer, number: int = 0) -> str:
    """Return the beginning of one of the free times."""
    answer = await api.get(f"{BASE}/slots", params={"bot": BOT, "days": "3"})
    return str(answer.json["items"][number]["starts_at"])


async def post(api: ApiServer, path: str, body: Mapping[str, Any] | None = None, **options: Any) -> Answer:
    return await api.call("POST", f"{BASE}{path}", json=body, **options)


async def test_free_times_come_with_words_in_the_zone_of_the_calendar(api: ApiServer) -> None:
    await open_office(api)
    answer = await api.get(f"{BASE}/slots", params={"bot": BOT, "language": "ru"}, scope="read")
    assert (answer.status, answer.json["time_zone"]) == (200, "Europe/Moscow")
    first = answer.json["items"][0]
    assert first["starts_at"].endswith("Z")
    assert first["label"].split(", ")[1][-2:] == first["starts_at"][14:16]


async def test_meeting_is_held_confirmed_moved_and_cancelled(api: ApiServer) -> None:
    lead, starts_at = await open_office(api), await free(api)
    held = await post(api, "", {"lead_id": lead, "starts_at": starts_at}, scope="write")
    assert (held.status, held.json["state"], held.json["starts_at"]) == (201, "tentative", starts_at)
    assert (held.json["user_id"], held.json["name"]) == (ANNA.id, "Анна")
    place = f"/{held.json['id']}"
    assert held.headers["Location"] == f"{BASE}{place}"
    assert (await post(api, f"{place}/confirm")).json["state"] == "confirmed"
    other = await free(api, 9)
    moved = (await post(api, f"{place}/move", {"starts_at": other})).json
    assert (moved["starts_at"], moved["sequence"], moved["state"]) == (other, 1, "confirmed")
    assert (await post(api, f"{place}/cancel")).json["state"] == "cancelled"
    again = await post(api, f"{place}/confirm")
    assert (again.status, again.json["code"]) == (409, "meeting_over")
    assert (await api.get(f"{BASE}{place}")).json["state"] == "cancelled"


async def test_taken_time_is_a_conflict(api: ApiServer) -> None:
    first, second = await open_office(api), await open_office(api, Person(2, "Борис"))
    starts_at = await free(api)
    await post(api, "", {"lead_id": first, "starts_at": starts_at})
    taken = await post(api, "", {"lead_id": second, "starts_at": starts_at})
    assert (taken.status, taken.json["code"]) == (409, "slot_taken")


async def test_one_booking_asked_for_many_times_is_one(api: ApiServer) -> None:
    lead, starts_at = await open_office(api), await free(api)
    answers = await at_once(10, lambda: post(api, "", {"lead_id": lead, "starts_at": starts_at}))
    assert {(answer.status, answer.json["id"]) for answer in answers} == {(201, answers[0].json["id"])}


async def test_file_for_the_calendar_is_downloaded(api: ApiServer) -> None:
    lead = await open_office(api)
    number = (await post(api, "", {"lead_id": lead, "starts_at": await free(api)})).json["id"]
    answer = await api.get(f"{BASE}/{number}/calendar.ics", params={"language": "ru"}, scope="read")
    assert answer.headers["Content-Type"].startswith("text/calendar")
    assert "attachment" in answer.headers["Content-Disposition"]
    assert read_ics(answer.body).inner[0]["SUMMARY"].endswith("Анна")


async def test_summary_is_there_once_it_is_written(api: ApiServer) -> None:
    lead = await open_office(api)
    meeting = (await post(api, "", {"lead_id": lead, "starts_at": await free(api)})).json
    assert (await api.get(f"{BASE}/{meeting['id']}/summary")).status == 404
    facts = [{"name": "size", "value": "12", "message_id": 1, "quote": "нас 12"}]
    now = api.app.engine.clock.now()
    await api.app.features.meetings.keep_summary(MeetingSummary(meeting["id"], "Пекарня.", facts, "demo", now))
    found = (await api.get(f"{BASE}/{meeting['id']}/summary")).json
    assert (found["text"], found["facts"]) == ("Пекарня.", facts)


async def test_list_is_filtered_and_read_by_cursor(api: ApiServer) -> None:
    people = [Person(number, f"P{number}") for number in range(1, 6)]
    leads = [await open_office(api, person) for person in people]
    for lead in leads:
        await post(api, "", {"lead_id": lead, "starts_at": await free(api)})
    seen: list[int] = []
    query = {"limit": "2", "bot": BOT, "state": "tentative"}
    while True:
        page = (await api.get(BASE, params=query)).json
        seen += [item["lead_id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert (seen, page["total"]) == (leads, 5)
    assert (await api.get(BASE, params={"lead_id": str(leads[2])})).json["total"] == 1
    assert (await api.get(BASE, params={"bot": "llama"})).json["total"] == 0


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"lead_id": 404, "starts_at": "2026-11-24T11:00:00Z"}, 404),
        ({"lead_id": "1", "starts_at": "2026-11-24T11:00:00Z"}, 422),
        ({"lead_id": 1}, 422),
        ({"lead_id": 1, "starts_at": "tomorrow"}, 422),
        ({"lead_id": 1, "starts_at": "2001-01-01T00:00:00Z"}, 422),
        ({"lead_id": 1, "starts_at": "9999-12-31T23:59:59Z"}, 422),
        ({"lead_id": 1, "starts_at": "2026-11-24T11:00:00Z", "owner": "me"}, 422),
        ({"lead_id": 2**64, "starts_at": "2026-11-24T11:00:00Z"}, 422),
    ],
)
async def test_wrong_booking_is_refused(api: ApiServer, body: Mapping[str, Any], status: int) -> None:
    assert await open_office(api) == 1
    assert (await post(api, "", body)).status == status


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/404", 404),
        ("GET", "/404/calendar.ics", 404),
        ("POST", "/404/confirm", 404),
        ("POST", "/404/cancel", 404),
        ("GET", "/slots", 422),
        ("GET", "/slots?bot=nobody", 404),
        ("GET", "/slots?bot=sales&days=99", 422),
        ("GET", "/slots?bot=sales&day_from=9999-12-31", 200),
        ("GET", "/slots?bot=sales&day_from=0001-01-01", 200),
        ("GET", "?state=sleeping", 422),
        ("GET", "?cursor=made-up", 400),
        ("GET", "?since=9999-12-31T23:59:59Z", 200),
    ],
)
async def test_absent_or_senseless_meeting_is_reported(api: ApiServer, method: str, path: str, status: int) -> None:
    await open_office(api)
    assert (await api.call(method, f"{BASE}{path}")).status == status


async def test_reader_changes_nothing(api: ApiServer) -> None:
    lead = await open_office(api)
    body = {"lead_id": lead, "starts_at": await free(api)}
    assert (await post(api, "", body, scope="read")).status == 403
    assert (await post(api, "", body, scope="")).status == 401
    assert (await api.get(BASE)).json["total"] == 0
