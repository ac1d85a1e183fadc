"""Health, readiness and refusals over HTTP."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from fastapi import FastAPI

from beseda.api.health import Check, health_router
from beseda.asgi import Web
from beseda.core.errors import BesedaError, NotFoundError, RateLimitedError, StorageError
from beseda.core.serving import Listener, serve_app
from beseda.locales.errors import error_text
from beseda.web.problems import add_problem_handlers


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[aiohttp.ClientSession]:
    listener = Listener("127.0.0.1", 0)
    try:
        async with serve_app(app, listener), aiohttp.ClientSession(listener.address) as session:
            yield session
    finally:
        listener.close()


def saying(problem: str) -> Check:
    async def check() -> str:
        return problem

    return check


async def hang() -> str:
    await asyncio.Event().wait()
    return ""


async def crash() -> str:
    raise ValueError("postgresql://user:word@host")


async def test_readiness_names_every_part_that_fails() -> None:
    app = FastAPI()
    parts = {"database": saying(""), "redis": saying("does not answer"), "queue": hang, "disk": crash}
    app.include_router(health_router(parts, patience=0.1))
    async with serving(app) as web, web.get("/ready") as answer:
        assert answer.status == 503
        assert await answer.json() == {
            "status": "failed",
            "parts": {"database": "ok", "redis": "does not answer", "queue": "does not answer", "disk": "failed"},
        }


@pytest.mark.parametrize("said", [b"", b"GET /health HTTP/1.1\r\nHost: x\r\n", b"GET /health HTTP/1.1\r\n\r\nGET /"])
async def test_client_that_sends_no_request_is_hung_up_on(said: bytes) -> None:
    listener = Listener("127.0.0.1", 0)
    host, port = listener.socket.getsockname()
    try:
        async with serve_app(Web({}).app, listener, head_seconds=0.1):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(said)
            async with asyncio.timeout(5):
                await reader.read()  # to its end
            writer.close()
    finally:
        listener.close()


async def test_answer_may_take_longer_than_a_head() -> None:
    app, patience = FastAPI(), 0.05

    @app.get("/slow")
    async def slow() -> str:
        await asyncio.sleep(patience * 3)
        return "done"

    listener = Listener("127.0.0.1", 0)
    try:
        async with (
            serve_app(app, listener, head_seconds=patience),
            aiohttp.ClientSession(listener.address) as web,
            web.get("/slow") as answer,
        ):
            assert await answer.json() == "done"
    finally:
        listener.close()


@pytest.mark.parametrize(("problem", "status"), [("", 200), ("away", 503)])
async def test_load_balancer_may_ask_for_the_head_only(problem: str, status: int) -> None:
    async with serving(Web({"database": saying(problem)}).app) as web:
        async with web.head("/health") as answer:
            assert answer.status == 200
        async with web.head("/ready") as answer:
            assert (answer.status, await answer.read()) == (status, b"")


async def test_without_a_sandbox_there_is_no_page_and_no_bot_side() -> None:
    async with serving(Web({}, secret="x").app) as web:
        for path in ("/", "/sandbox", "/bot1:x/getMe", "/file/bot1:x/a", "/docs", "/%00", "/../../etc/passwd"):
            async with web.get(path) as answer:
                assert (answer.status, answer.content_type) == (404, "application/problem+json")
                assert (await answer.json(content_type=None))["status"] == 404


ERRORS = [
    (RateLimitedError("user 5", retry_after=2.6), 429, "3"),
    (StorageError("postgresql://user:word@host"), 503, None),
    (BesedaError("line 3 of secret.py"), 500, None),
]


@pytest.mark.parametrize(("error", "status", "retry"), ERRORS, ids=lambda value: type(value).__name__)
async def test_our_error_is_a_problem_without_its_details(error: BesedaError, status: int, retry: str | None) -> None:
    app = FastAPI()
    add_problem_handlers(app)

    @app.get("/")
    async def fail() -> None:
        raise error

    async with serving(app) as web, web.get("/") as answer:
        assert (answer.status, answer.content_type) == (status, "application/problem+json")
        assert answer.headers.get("Retry-After") == retry
        body = await answer.json(content_type=None)
    assert body["detail"] == error_text(type(error)).say("en")
    assert error.detail not in str(body)


async def test_missing_parts_are_named() -> None:
    app = FastAPI()
    add_problem_handlers(app)

    @app.get("/")
    async def fail() -> None:
        raise NotFoundError("row 12 of leads")

    async with serving(app) as web, web.get("/") as answer:
        assert (answer.status, answer.content_type) == (404, "application/problem+json")
        assert (await answer.json(content_type=None))["detail"] == "Not found: row 12 of leads."


async def test_bug_is_a_problem_without_a_traceback(caplog: pytest.LogCaptureFixture) -> None:
    app = FastAPI()
    add_problem_handlers(app)

    @app.get("/{number}")
    async def fail(number: int) -> None:
        raise ZeroDivisionError("secret.py")

    async with serving(app) as web:
        with caplog.at_level(logging.ERROR):
            async with web.get("/1") as answer:
                assert (answer.status, answer.content_type) == (500, "application/problem+json")
                assert await answer.json(content_type=None) == {
                    "type": "about:blank",
                    "title": "Internal Server Error",
                    "status": 500,
                }
        assert "ZeroDivisionError" in caplog.text
        async with web.get("/word") as answer:
            assert answer.status == 422
            assert "path.number" in (await answer.json(content_type=None))["detail"]
