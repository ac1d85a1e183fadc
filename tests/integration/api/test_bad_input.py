"""What nobody should send: refused with a clear word, stored nowhere, and never a 5xx."""

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from beseda.api.middleware.body_limit import BodyLimitMiddleware
from beseda.web.pagination import write_cursor
from tests.parts.api_server import Answer, ApiServer, serve_api

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIST = "/api/v1/conversations"
KEYS = "/api/v1/keys"
JSON = {"Content-Type": "application/json"}
SQL, HTML = "'; DROP TABLE api_keys; --", "<script>alert(1)</script>"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiServer]:
    """One server for all: what is refused leaves nothing behind."""
    async with serve_api(tmp_path_factory.mktemp("api")) as server:
        yield server


async def post(api: ApiServer, body: bytes, **headers: str) -> Answer:
    return await api.call("POST", KEYS, data=body, headers={**JSON, **headers})


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"", "body"),
        (b"{", "body"),
        (b"null", "body"),
        (b"[]", "body"),
        (b'"name"', "body"),
        (b"{}", "body.name"),
        (b'{"name": 5}', "body.name"),
        (b'{"name": ""}', "body.name"),
        (b'{"name": null}', "body.name"),
        (b'{"name": ["x"]}', "body.name"),
        (b'{"name": "x", "scope": "root"}', "body.scope"),
        (b'{"name": "x", "scope": true}', "body.scope"),
        (b'{"name": "x", "is_admin": true}', "body.is_admin"),
        (b'{"name": "' + b"x" * 201 + b'"}', "body.name"),
        (b'{"name": "a\\u0000b"}', "body"),
        (b'{"a\\u0000b": 1}', "body"),
        (b'{"name": "\\ud800"}', "body"),
        (b'{"name": "\xff"}', "body"),
        (b'{"name": NaN}', "body"),
        (b'{"name": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "body"),
    ],
)
async def test_body_is_refused_with_its_place(body: bytes, place: str, api: ApiServer) -> None:
    answer = await post(api, body)
    assert (answer.status, answer.headers["Content-Type"]) == (422, "application/problem+json")
    assert answer.json["errors"][0]["place"].startswith(place)


@pytest.mark.parametrize("name", [SQL, HTML, "Ünïcödé 🦊", "%00", "\\x00", "{{7*7}}", "'\""])
async def test_odd_name_is_only_a_name(name: str, api: ApiServer) -> None:
    made = await api.call("POST", KEYS, json={"name": name})
    assert (made.status, made.json["name"]) == (201, name)
    assert (await api.get(f"{KEYS}/{made.json['id']}")).json["name"] == name


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/xml", "multipart/form-data; boundary=x", "x", "application/json; charset=utf-16"],
)
async def test_body_of_another_kind_is_refused(kind: str, api: ApiServer) -> None:
    answer = await post(api, b'{"name": "x"}', **{"Content-Type": kind})
    assert (answer.status, answer.headers["Content-Type"]) == (415, "application/problem+json")


async def _pieces(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 65_536):
        yield b" " * 65_536


@pytest.mark.parametrize("key", [None, "again-1"])
async def test_ten_megabytes_are_not_read(key: str | None, api: ApiServer) -> None:
    headers = {**JSON, **({"Idempotency-Key": key} if key else {})}
    for body in (io.BytesIO(b" " * 10_000_000), _pieces(10_000_000)):
        answer = await api.call("POST", f"{LIST}/1/messages", data=body, headers=headers)
        assert (answer.status, answer.headers["Content-Type"]) == (413, "application/problem+json")
    assert (await api.get(LIST)).status == 200


async def test_body_that_does_not_end_is_not_waited_for() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass

    async def drip() -> Message:
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b" ", "more_body": True}

    async def send(_: Message) -> None:
        pass

    scope = {"type": "http", "method": "POST", "path": LIST, "query_string": b"", "headers": []}
    with pytest.raises(HTTPException) as refused:
        await BodyLimitMiddleware(app, 1000, timeout=0.1)(scope, drip, send)
    assert refused.value.status_code == 408


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=501",
        "limit=-1",
        "limit=1e3",
        "limit=99999999999999999999999",
        "offset=-1",
        "offset=10001",
        "user_id=0",
        "user_id=9223372036854775808",
        "user_id=1%20OR%201=1",
        "bot=../../etc",
        "bot=%27%20OR%201%3D1",
        "kind=secret",
        "updated_since=yesterday",
        "updated_since=99999-01-01",
        "updated_since=0001-01-01T00:00:00%2B14:00",
        "updated_since=9999-12-31T23:59:59-14:00",
        "taken_over=perhaps",
    ],
)
async def test_parameter_out_of_bounds(query: str, api: ApiServer) -> None:
    answer = await api.get(f"{LIST}?{query}")
    assert (answer.status, answer.json["errors"][0]["place"]) == (422, f"query.{query.split('=', maxsplit=1)[0]}")


async def test_answer_to_many_unknown_fields_is_short(api: ApiServer) -> None:
    body = {f"field{number}" + "x" * 1000: 1 for number in range(500)} | {"name": "crm"}
    answer = await api.call("POST", KEYS, json=body)
    assert (answer.status, len(answer.json["errors"])) == (422, 20)
    assert len(answer.body) < 20_000


CURSORS = [
    "",
    "x",
    "!!!",
    "курсор",
    "AAAA",
    "W10",
    write_cursor("files", 5),
    write_cursor("conversations"),
    write_cursor("conversations", "5"),
    write_cursor("conversations", True),
    write_cursor("conversations", 1.5),
    write_cursor("conversations", 1, 2),
    write_cursor("conversations", None),
]


@pytest.mark.parametrize("cursor", CURSORS)
async def test_made_up_cursor(cursor: str, api: ApiServer) -> None:
    answer = await api.get(LIST, params={"cursor": cursor})
    assert (answer.status, answer.headers["Content-Type"]) == (400, "application/problem+json")


async def test_cursor_beyond_every_number_is_made_up(api: ApiServer) -> None:
    for number, status in ((-1, 200), (2**63 - 1, 200), (2**63, 400), (2**64 - 1, 400)):
        answer = await api.get(LIST, params={"cursor": write_cursor("conversations", number)})
        assert answer.status == status


@pytest.mark.parametrize("number", ["0", "-1", "1.5", "abc", "9223372036854775808", "1" * 400, "1;DROP", "٣"])
async def test_invalid_number_of_a_row(number: str, api: ApiServer) -> None:
    for path in (f"{LIST}/{number}", f"{KEYS}/{number}"):
        assert (await api.get(path)).status == 422


@pytest.mark.parametrize("number", ["9223372036854775808", "9999999999999999999", "5"])
async def test_long_number_of_nothing(number: str, api: ApiServer) -> None:
    for path in (f"/api/v1/files/{number}", f"/api/v1/files/{number}/content", f"/api/v1/jobs/{number}"):
        assert (await api.get(path)).status == 404


@pytest.mark.parametrize("path", [f"{LIST}/%00", f"{LIST}?bot=%00", "/api/v1/bots/%00"])
async def test_nul_in_an_address(path: str, api: ApiServer) -> None:
    answer = await api.call("GET", path)
    assert (answer.status, answer.headers["Content-Type"]) == (400, "application/problem+json")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/v2/leads", 404),
        ("GET", "/api/v1/bots/..%2f..%2fetc%2fpasswd", 404),
        ("PATCH", LIST, 405),
        ("TRACE", LIST, 405),
        ("POST", "/health", 405),
    ],
)
async def test_absent_row_is_a_problem(method: str, path: str, status: int, api: ApiServer) -> None:
    answer = await api.call(method, path)
    assert (answer.status, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert answer.json["status"] == status


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("OPTIONS", "/api/v1/leads", "GET, POST"),
        ("POST", "/api/v1/leads/1", "DELETE, GET, PATCH, PUT"),
        ("POST", "/health", "GET, HEAD"),
    ],
)
async def test_refused_method_is_answered_with_the_allowed_ones(
    method: str, path: str, allowed: str, api: ApiServer
) -> None:
    answer = await api.call(method, path)
    assert (answer.status, answer.headers["Allow"]) == (405, allowed)


async def test_things_of_another_bot_are_not_found_under_this_one(api: ApiServer) -> None:
    await api.talk()
    file, job = await api.keep_file(bot="llama"), await api.enqueue(bot="llama")
    for path, number in (("files", file.id), ("jobs", job.id)):
        ours: dict[str, Any] = (await api.get(f"/api/v1/{path}?bot=assistant")).json
        theirs = (await api.get(f"/api/v1/{path}?bot=llama")).json
        assert (ours["items"], [item["id"] for item in theirs["items"]]) == ([], [str(number)])
