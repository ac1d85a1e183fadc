"""`Idempotency-Key`: done once, answered as often as it is sent."""

from datetime import timedelta
from pathlib import Path

import pytest

from beseda.web.idempotency import IdempotencyRepository, IdempotentRequest
from tests.parts.api_server import Answer, ApiServer, at_once, serve_api


async def send(api: ApiServer, text: str = "Hello", key: str = "k-1", scope: str = "write", place: int = 1) -> Answer:
    headers = {"Idempotency-Key": key}
    path = f"/api/v1/conversations/{place}/messages"
    return await api.call("POST", path, scope=scope, json={"text": text}, headers=headers)


async def count_updates(api: ApiServer) -> int:
    return len(await api.app.engine.updates.unfinished("assistant"))


async def test_same_request_is_done_once_and_answered_again(api: ApiServer) -> None:
    await api.talk()
    first, second = await send(api), await send(api)
    assert (first.status, second.status, second.body) == (202, 202, first.body)
    assert (first.headers.get("Idempotent-Replayed"), second.headers["Idempotent-Replayed"]) == (None, "true")
    assert await count_updates(api) == 1


async def test_requests_side_by_side_are_done_once(api: ApiServer) -> None:
    await api.talk()
    answers = await at_once(10, lambda: send(api))
    assert {answer.status for answer in answers} <= {202, 409}
    assert await count_updates(api) == 1


async def test_another_request_under_the_same_key_is_refused(api: ApiServer) -> None:
    await api.talk()
    await send(api)
    other = await send(api, "Something else")
    assert (other.status, "another request" in other.json["detail"]) == (422, True)
    assert await count_updates(api) == 1


async def test_keys_of_others_do_not_meet(api: ApiServer) -> None:
    await api.talk()
    assert [(await send(api, scope=scope)).status for scope in ("write", "admin")] == [202, 202]
    assert await count_updates(api) == 2


async def test_refused_request_may_come_again(api: ApiServer) -> None:
    assert (await send(api)).status == 404
    await api.talk()
    assert (await send(api)).status == 202


async def test_request_under_way_is_a_conflict(api: ApiServer) -> None:
    await api.talk()
    [key] = [key for key in await api.app.features.api_keys.page() if key.scope == "write"]
    await IdempotencyRepository(api.app.engine.database, api.app.engine.clock).claim(
        IdempotentRequest(key.id, "k-1", "0" * 64)
    )
    other = await send(api)
    assert other.status == 422  # another body: no reason to wait for the first


@pytest.mark.parametrize("key", ["", "x" * 201, "a b", "ключ"])
async def test_invalid_key(key: str, api: ApiServer) -> None:
    answer = await send(api, key=key)
    assert (answer.status, answer.headers["Content-Type"]) == (400, "application/problem+json")


async def test_answer_is_kept_over_a_restart_and_for_a_day(tmp_path: Path) -> None:
    async with serve_api(tmp_path) as api:
        await api.talk()
        first, keys = await send(api), api.keys
    async with serve_api(tmp_path) as api:
        api.keys |= keys
        again = await send(api)
        assert again.body == first.body
        now = api.app.engine.clock.now()
        answers = IdempotencyRepository(api.app.engine.database, api.app.engine.clock)
        assert await answers.purge(now - timedelta(hours=24)) == 0
        assert await answers.purge(now) == 1


async def test_new_secret_is_kept_for_no_repetition(api: ApiServer) -> None:
    headers = {"Idempotency-Key": "k-1"}
    made = [await api.call("POST", "/api/v1/keys", json={"name": "crm"}, headers=headers) for _ in range(2)]
    assert made[0].json["key"] != made[1].json["key"]
