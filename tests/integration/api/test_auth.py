"""Keys, scopes, rates: who may ask, what, and how often."""

from pathlib import Path

import pytest

from beseda.features.api_keys.repository import ApiKeyRepository
from beseda.web.api_key import Scope, write_key
from tests.parts.api_server import ApiServer, serve_api
from tests.parts.redis import RedisServer
from tests.parts.waiting import eventually

LIST = "/api/v1/conversations"
SECRET = "A" * 43


@pytest.mark.parametrize(
    "given",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic Ym9iOmJvYg==",
        "Bearer bsd_1",
        f"Bearer {write_key(1, SECRET)}",
        f"Bearer {write_key(10**17, SECRET)}",
        f"Bearer bsd_99999999999999999999_{SECRET}",
        "Bearer bsd_1_' OR 1=1 --",
        "Bearer ключ",
    ],
)
async def test_without_a_good_key_nothing_is_revealed(given: str, api: ApiServer) -> None:
    for path in (LIST, "/api/v1/nothing", "/api/v1/keys"):
        answer = await api.call("GET", path, scope="", headers={"Authorization": given} if given else {})
        assert (answer.status, answer.headers["Content-Type"]) == (401, "application/problem+json")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_scheme_is_read_whatever_its_case(api: ApiServer) -> None:
    answer = await api.call("GET", LIST, scope="", headers={"Authorization": f"bEARER {api.keys['read']}"})
    assert answer.status == 200


@pytest.mark.parametrize(("scope", "status"), [("read", 403), ("write", 403), ("admin", 200)])
async def test_scope_decides(scope: str, status: int, api: ApiServer) -> None:
    answer = await api.get("/api/v1/keys", scope=scope)
    assert answer.status == status
    if status == 403:
        assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]


async def test_read_key_changes_nothing(api: ApiServer) -> None:
    conversation = await api.talk()
    place = f"{LIST}/{conversation.id}"
    for method, path in (("POST", "/messages"), ("PUT", "/takeover"), ("DELETE", "/takeover")):
        answer = await api.call(method, place + path, scope="read", json={"text": "x"} if method == "POST" else None)
        assert answer.status == 403


async def test_key_is_shown_once_and_stored_as_a_hash(api: ApiServer, tmp_path: Path) -> None:
    made = await api.call("POST", "/api/v1/keys", json={"name": "crm", "scope": "write"})
    assert (made.status, made.headers["Location"]) == (201, f"/api/v1/keys/{made.json['id']}")
    secret = made.json["key"].split("_", 2)[2]
    listed = await api.get("/api/v1/keys")
    assert secret not in listed.body.decode()
    assert all(secret.encode() not in path.read_bytes() for path in (tmp_path / "data").glob("beseda.db*"))


async def test_revoked_key_opens_nothing(api: ApiServer) -> None:
    made = (await api.call("POST", "/api/v1/keys", json={"name": "crm"})).json
    api.keys["crm"] = made["key"]
    assert (await api.get(LIST, scope="crm")).status == 200
    gone = await api.call("DELETE", f"/api/v1/keys/{made['id']}")
    assert (gone.status, gone.json["revoked_at"] is not None) == (200, True)
    assert (await api.get(LIST, scope="crm")).status == 401
    again = await api.call("DELETE", f"/api/v1/keys/{made['id']}")
    assert again.json["revoked_at"] == gone.json["revoked_at"]


async def test_key_revoked_elsewhere_opens_nothing_within_seconds(api: ApiServer) -> None:
    key, api.keys["crm"] = await api.app.features.api_keys.create("crm", Scope.READ)
    assert (await api.get(LIST, scope="crm")).status == 200
    await ApiKeyRepository(api.app.engine.database, api.app.engine.clock).revoke(key.id)  # as another process does

    async def is_refused() -> bool:
        return (await api.get(LIST, scope="crm")).status == 401

    await eventually(is_refused)


async def test_last_use_is_noted(api: ApiServer) -> None:
    await api.get(LIST, scope="read")

    async def is_noted() -> bool:
        keys = (await api.get("/api/v1/keys")).json["items"]
        return all(item["last_used_at"] for item in keys if item["scope"] == "read")

    await eventually(is_noted)


async def test_rate_is_reported_and_kept(tmp_path: Path) -> None:
    async with serve_api(tmp_path, BESEDA_API_RATE="3") as api:
        answers = [await api.get(LIST, scope="read") for _ in range(4)]
        assert [answer.status for answer in answers] == [200, 200, 200, 429]
        assert [answer.headers["RateLimit"].split(";")[1] for answer in answers] == ["r=2", "r=1", "r=0", "r=0"]
        assert answers[0].headers["RateLimit-Policy"] == '"key";q=3;w=60'
        assert 0 < int(answers[3].headers["Retry-After"]) <= 60
        assert (await api.get(LIST, scope="write")).status == 200


async def test_two_processes_name_the_rest_of_one_rate(tmp_path: Path) -> None:
    redis = RedisServer(tmp_path)
    try:
        environ = {"BESEDA_API_RATE": "10", "REDIS_URL": redis.url}
        async with serve_api(tmp_path, **environ) as one, serve_api(tmp_path, **environ) as other:
            key = {"Authorization": f"Bearer {one.keys['read']}"}
            answers = [await (one, other)[number % 2].get(LIST, scope="", headers=key) for number in range(12)]
    finally:
        redis.stop()
    left = [int(answer.headers["RateLimit"].split(";")[1].removeprefix("r=")) for answer in answers]
    assert left == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0]
    assert [answer.status for answer in answers] == [200] * 10 + [429] * 2


async def test_wrong_keys_are_slowed_down_and_logged_once(api: ApiServer, caplog: pytest.LogCaptureFixture) -> None:
    wrong = {"Authorization": f"Bearer {write_key(1, SECRET)}"}
    answers = [await api.get(LIST, scope="", headers=wrong) for _ in range(60)]
    assert [answer.status for answer in answers] == [401] * 30 + [429] * 30
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 60
    lines = [record.message for record in caplog.records if "wrong API keys" in record.message]
    assert lines == ["127.0.0.1 has sent 30 wrong API keys within a minute"]
    assert (await api.get(LIST, scope="read")).status == 200


async def test_pages_of_other_sites_may_not_ask(api: ApiServer) -> None:
    answer = await api.get(LIST, headers={"Origin": "https://evil.example"})
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    assert (await api.call("OPTIONS", LIST, scope="", headers=asked)).status == 401


async def test_page_that_was_named_may_ask(tmp_path: Path) -> None:
    async with serve_api(tmp_path, BESEDA_CORS_ORIGINS="https://crm.example.org") as api:
        asked = {"Origin": "https://crm.example.org", "Access-Control-Request-Method": "GET"}
        ahead = await api.call("OPTIONS", LIST, scope="", headers=asked)
        assert (ahead.status, ahead.headers["Access-Control-Allow-Origin"]) == (200, "https://crm.example.org")
        assert "Access-Control-Allow-Credentials" not in ahead.headers
        other = await api.get(LIST, headers={"Origin": "https://evil.example"})
        assert "Access-Control-Allow-Origin" not in other.headers
