"""Conversations over the API: lists, transcripts, pages, filters."""

from datetime import UTC, datetime, timedelta

import pytest

from beseda.core.chat import Person
from tests.parts.api_server import ANNA, ApiServer

LIST = "/api/v1/conversations"


async def test_list_shows_place_person_and_last_words(api: ApiServer) -> None:
    conversation = await api.talk()
    answer = await api.get(LIST, scope="read")
    assert (answer.status, answer.json["total"], answer.json["next_cursor"]) == (200, 1, None)
    [item] = answer.json["items"]
    assert (item["id"], item["bot"], item["user_name"], item["takeover"]) == (
        conversation.id,
        "assistant",
        "Анна",
        None,
    )
    assert item["created_at"].endswith("Z")
    said = datetime.fromisoformat(item["last_message_at"])
    assert abs(datetime.now(UTC) - said) < timedelta(minutes=1)


async def test_cursor_reads_every_conversation_once_while_new_ones_begin(api: ApiServer) -> None:
    for number in range(5):
        await api.talk(person=Person(number + 1, f"P{number}"))
    first = await api.get(f"{LIST}?limit=2")
    await api.talk(person=Person(99, "New"))
    seen, cursor = [item["user_id"] for item in first.json["items"]], first.json["next_cursor"]
    while cursor:
        page = await api.get(LIST, params={"limit": "2", "cursor": cursor})
        seen += [item["user_id"] for item in page.json["items"]]
        cursor = page.json["next_cursor"]
    assert seen == [5, 4, 3, 2, 1]


async def test_offset_leaves_out(api: ApiServer) -> None:
    for number in range(3):
        await api.talk(person=Person(number + 1, "P"))
    page = (await api.get(f"{LIST}?limit=1&offset=1")).json
    assert ([item["user_id"] for item in page["items"]], page["total"], page["offset"]) == ([2], 3, 1)


@pytest.mark.parametrize(
    ("query", "users"),
    [
        ("bot=llama", [2]),
        ("bot=nobody", []),
        (f"user_id={ANNA.id}", [ANNA.id]),
        ("kind=private", [2, ANNA.id]),
        ("kind=group", []),
        ("taken_over=true", [2]),
        ("taken_over=false", [ANNA.id]),
        ("updated_since=2020-01-01T00:00:00Z", [2, ANNA.id]),
        ("updated_since=9999-12-31T00:00:00Z", []),
        ("updated_since=0001-01-01T00:00:00", [2, ANNA.id]),
    ],
)
async def test_filter_lets_through(query: str, users: list[int], api: ApiServer) -> None:
    await api.talk()
    other = await api.talk("llama", Person(2, "Boris"))
    await api.app.features.takeovers.take(other.id, "Maria")
    page = (await api.get(f"{LIST}?{query}")).json
    assert ([item["user_id"] for item in page["items"]], page["total"]) == (users, len(users))


async def test_transcript_is_in_order_and_in_pages(api: ApiServer) -> None:
    conversation = await api.talk(said=[("a", "b"), ("c", "d"), ("e", "f")])
    place, words = f"{LIST}/{conversation.id}/messages", []
    cursor: str | None = ""
    while cursor is not None:
        page = (await api.get(place, params={"limit": "4", **({"cursor": cursor} if cursor else {})})).json
        words += [(item["role"], item["content"]) for item in page["items"]]
        cursor = page["next_cursor"]
        assert page["total"] == 6
    roles = ["user", "assistant"] * 3
    assert words == list(zip(roles, "abcdef", strict=True))


async def test_conversation_is_shown_with_its_last_hundred_messages(api: ApiServer) -> None:
    conversation = await api.talk(said=[(f"q{number}", f"a{number}") for number in range(52)])
    found = (await api.get(f"{LIST}/{conversation.id}")).json
    assert (found["id"], found["user_id"]) == (conversation.id, ANNA.id)
    assert [item["content"] for item in found["messages"][:2]] == ["q2", "a2"]
    assert [item["content"] for item in found["messages"][-2:]] == ["q51", "a51"]
    assert len(found["messages"]) == 100


async def test_conversation_that_is_not_there(api: ApiServer) -> None:
    for path in ("/5", "/5/messages"):
        answer = await api.get(f"{LIST}{path}")
        assert (answer.status, answer.json["code"]) == (404, "not_found")
