"""The OpenAPI document: whole, true, and the same for people as a page."""

import re
from collections.abc import Iterator, Mapping
from inspect import iscoroutinefunction
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from beseda.api.docs_page import find_example
from tests.parts.api_server import ApiServer

OPEN = ("/health", "/ready", "/metrics")
Operation = tuple[str, str, Mapping[str, Any]]
STANDING = {
    "conversation_id": "1",
    "lead_id": "1",
    "bot": "assistant",
}


def operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def problems(document: Mapping[str, Any], found: Operation) -> Iterator[str]:
    """Yield what an operation does not tell."""
    _, path, operation = found
    if not operation.get("summary") or not operation.get("tags"):
        yield "summary, tags"
    if path not in OPEN and (not operation.get("security") or not {"401", "403", "429"} <= set(operation["responses"])):
        yield "security"
    yield from (item["name"] for item in operation.get("parameters", ()) if not item.get("description"))
    answers = {"body": operation.get("requestBody", {}), **operation["responses"]}
    for name, answer in answers.items():
        for kind, media in answer.get("content", {}).items():
            if find_example(document, media) in (None, {}):
                yield f"example of {name} as {kind}"
        if name >= "400" and name != "body" and path not in OPEN:
            yield from () if "application/problem+json" in answer["content"] else (f"problem {name}",)


def body_of(document: Mapping[str, Any], operation: Mapping[str, Any]) -> dict[str, Any]:
    """Return how to send the example of an operation's body, where it takes one."""
    kinds = operation.get("requestBody", {}).get("content", {})
    if "application/json" in kinds:
        return {"json": find_example(document, kinds["application/json"])}
    return {"data": b"-", "headers": {"Content-Type": next(iter(kinds))}} if kinds else {}


async def test_every_operation_is_described_completely(api: ApiServer) -> None:
    document = api.document
    told = {f"{found[0]} {found[1]}": list(problems(document, found)) for found in operations(document)}
    assert {name: said for name, said in told.items() if said} == {}


async def test_no_two_operations_have_one_name(api: ApiServer) -> None:
    names = [operation["operationId"] for _, _, operation in operations(api.document)]
    assert len(names) == len(set(names))


def address(path: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: STANDING.get(match[1], "1"), path)


async def test_no_path_answers_without_a_key(api: ApiServer) -> None:
    for method, path, operation in operations(api.document):
        example = b"{}" if "requestBody" in operation else None
        answer = await api.call(method, address(path), scope="", data=example)
        assert (answer.status == 401) is (path not in OPEN), f"{method} {path}: {answer.status}"


async def test_read_key_reads_only(api: ApiServer) -> None:
    for method, path, operation in operations(api.document):
        if method in {"POST", "PUT", "PATCH", "DELETE"}:
            answer = await api.call(method, address(path), scope="read", **body_of(api.document, operation))
            assert answer.status == 403, f"{method} {path}: {answer.status} {answer.json}"


async def test_examples_of_bodies_make_sense(api: ApiServer) -> None:
    await api.talk()
    for method, path, operation in operations(api.document):
        body = body_of(api.document, operation)
        if "json" in body:
            answer = await api.call(method, address(path), **body)
            assert answer.status not in {400, 415}, f"{method} {path}: {answer.json}"
            assert answer.json is None or "errors" not in answer.json, f"{method} {path}: {answer.json}"


async def test_page_shows_every_operation_and_asks_no_other_host(api: ApiServer) -> None:
    answer = await api.call("GET", "/docs", scope="")
    page = answer.body.decode()
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert page.count("<details>") == len(list(operations(api.document)))
    assert not re.findall(r"(?:src|href)=\"(?:https?:)?//|@import|url\(", page)


async def test_document_is_open_and_whole(api: ApiServer) -> None:
    answer = await api.call("GET", "/openapi.json", scope="")
    assert (answer.status, answer.json["openapi"]) == (200, "3.1.0")
    assert answer.json == api.document


def calls(dependant: Dependant) -> Iterator[Any]:
    for inner in dependant.dependencies:
        yield inner.call
        yield from calls(inner)


async def test_no_dependency_waits_for_a_thread(api: ApiServer) -> None:
    # FastAPI hands a plain function to a thread, which takes longer than many a query.
    routes = [route for route in api.web.routes if isinstance(route, APIRoute)]
    found = {call for route in routes for call in calls(route.dependant)}
    plain = [call for call in found if not iscoroutinefunction(call) and not iscoroutinefunction(type(call).__call__)]
    assert plain == []
