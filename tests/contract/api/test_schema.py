"""schemathesis against the whole OpenAPI document, with PostgreSQL and real keys behind it.

Whatever it makes up, sense or nonsense: no 5xx, no status, type, header or body that the document does not name, and
no path that answers without a key. Derandomised: a run is like the one before.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import schemathesis
from fastapi import FastAPI, Response, Security
from fastapi.security import HTTPBearer
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from beseda.api.docs_page import find_example
from beseda.core.serving import Listener, serve_app
from beseda.db.database import Database
from beseda.db.migrate import upgrade
from beseda.ephemeral.base import Rate
from tests.parts.api_server import ApiServer, serve_api
from tests.parts.postgres import PostgresServer

Operation: TypeAlias = APIOperation[Any, Any, Any, Any]

HELD: list[CheckFunction] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
EXAMPLES = 3
MANY_EXAMPLES = 12
# A DELETE with a number that anybody could make up must not revoke the key that asks.
FIRST_KEY = 777_000_000_001
QUIET = settings(
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    server = PostgresServer()
    yield server
    server.close()


@pytest.fixture
async def api(postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ApiServer]:
    # Each operation is asked with wrong keys, more often than an address may within a minute.
    monkeypatch.setattr("beseda.api.middleware.api_key._WRONG_KEYS", Rate(100_000, 60.0))
    url = postgres.create_database()
    await upgrade(url)
    await restart_keys(url)
    async with serve_api(tmp_path, DATABASE_URL=url, BESEDA_API_RATE="0") as server:
        yield server


async def restart_keys(url: str) -> None:
    database = await Database.open(url)
    sql = f"ALTER SEQUENCE api_keys_id_seq RESTART WITH {FIRST_KEY}"
    await database.write(lambda connection: connection.exec_driver_sql(sql))
    await database.close()


async def seed(api: ApiServer) -> Mapping[str, Any]:
    """Store something of every kind, and return the path parameters that name it."""
    conversation = await api.talk()
    await api.app.features.takeovers.take(conversation.id, "Maria")
    known = {
        "conversation_id": conversation.id,
        "file_id": str((await api.keep_file()).id),
        "job_id": str((await api.enqueue()).id),
        "bot": "assistant",
    }
    for path, operations in api.document["paths"].items():
        names = [found[1] for other in api.document["paths"] if (found := re.fullmatch(rf"{path}/{{(\w+)}}", other))]
        if "post" in operations and names:
            body = find_example(api.document, operations["post"]["requestBody"]["content"]["application/json"])
            made = await api.call("POST", path, json=body)
            known |= {names[0]: made.json["id"]} if made.status < 300 else {}
    return known


def check(operation: Operation, headers: Mapping[str, str], examples: int, **fixed: Any) -> int:
    """Ask an operation things that make sense, and things that make none; return how many it was asked."""
    checks = [*HELD, ignored_auth] if operation.path.startswith("/api/") else HELD
    asked = 0
    for mode in GenerationMode:

        @settings(QUIET, max_examples=examples)
        @given(case=operation.as_strategy(generation_mode=mode, **fixed))
        def ask(case: "schemathesis.Case[Any]") -> None:
            nonlocal asked
            asked += 1
            case.call_and_validate(checks=checks, headers=dict(headers))

        try:
            ask()
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE  # what takes no parameters can be asked no nonsense
    return asked


def check_all(
    address: str, document: dict[str, Any], key: str, seeds: Mapping[str, Any], examples: int = EXAMPLES
) -> dict[str, str]:
    """Return what does not hold, by the names of operations."""
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=address)
    headers = {"Authorization": f"Bearer {key}"}
    found = {}
    for result in schema.get_all_operations():
        assert isinstance(result, Ok), result
        operation = result.ok()
        names = {parameter.name for parameter in operation.path_parameters}
        pinned = {name: seeds[name] for name in names & set(seeds)}
        try:
            assert check(operation, headers, examples) > 0
            if pinned:
                check(operation, headers, examples, path_parameters=pinned)
        except (AssertionError, FailureGroup, Failure) as error:
            found[operation.label] = f"{error}"
    return found


@pytest.mark.parametrize("examples", [EXAMPLES, pytest.param(MANY_EXAMPLES, marks=pytest.mark.slow)])
async def test_document_holds_whatever_is_asked(api: ApiServer, examples: int) -> None:
    seeds = await seed(api)
    found = await asyncio.to_thread(check_all, api.address, api.document, api.keys["admin"], seeds, examples)
    assert not found, "\n\n".join(f"{label}: {said}" for label, said in found.items())


def build_liar() -> FastAPI:
    """Return an app that breaks its promises, one a route: the checks must see each of them."""
    app = FastAPI()
    bearer = [Security(HTTPBearer(auto_error=False))]

    @app.get("/api/open", dependencies=bearer)
    async def answer_anybody() -> dict[str, str]:
        return {}

    @app.get("/crash")
    async def crash(number: int) -> dict[str, int]:
        return {"half": 1 // (number - number)}

    @app.get("/status", status_code=202)
    async def have_no_time() -> Response:
        return Response(b"{}", 418, media_type="application/json")

    @app.get("/body", response_model=dict[str, int])
    async def mistake_a_type() -> Response:
        return Response(b'{"a": "b"}', media_type="application/json")

    @app.get("/kind", response_model=dict[str, int])
    async def mistake_a_kind() -> Response:
        return Response(b"hello", media_type="text/html")

    return app


async def test_checks_see_a_broken_promise() -> None:
    app, listener = build_liar(), Listener("127.0.0.1", 0)
    async with serve_app(app, listener):
        found = await asyncio.to_thread(check_all, listener.address, app.openapi(), "key", {})
    listener.close()
    assert set(found) == {"GET /api/open", "GET /crash", "GET /status", "GET /body", "GET /kind"}
