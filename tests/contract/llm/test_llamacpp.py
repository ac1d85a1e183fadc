"""The other llama.cpp server, `python -m llama_cpp.server`, and old builds; the real thing is in `integration`."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from beseda.core.errors import ProtocolError, UnavailableError
from beseda.core.message import Message, Role
from beseda.http.client import HttpClient
from beseda.llm.base import ChatModel, FinishReason, ModelRequest, find_measuring
from beseda.llm.registry import LLMSettings, build_model, choose_model
from beseda.testing.clock import ManualClock
from tests.contract.llm.conftest import QUICK
from tests.parts.llama_server import CompletionServer
from tests.parts.model_events import listen
from tests.parts.model_server import ModelServer, Reply, answer_json, record_request, refuse


class PythonServer(ModelServer):
    """`python -m llama_cpp.server`: no health, no props, its own way to count."""

    def _add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/extras/tokenize/count", self._count)
        super()._add_routes(router)

    async def _count(self, request: web.Request) -> web.Response:
        recorded = await record_request(request)
        self.probes.append(recorded)
        return web.json_response({"count": len(recorded.body["input"].split())})


@pytest.fixture
async def server() -> AsyncIterator[PythonServer]:
    async with PythonServer() as running:
        yield running


@pytest.fixture
async def old() -> AsyncIterator[CompletionServer]:
    async with CompletionServer() as running:
        yield running


def connect(server: ModelServer, http: HttpClient, context: int = 0) -> ChatModel:
    settings = LLMSettings(base_urls={"llamacpp": server.url}, timeouts=QUICK, llama_context=context)
    return build_model("llamacpp", settings, ManualClock(instant=True), http)


async def test_health_is_asked_by_the_list_of_models(server: PythonServer, http: HttpClient) -> None:
    health = await connect(server, http).check()

    assert health.ok
    assert [probe.path for probe in server.probes] == ["/health", "/v1/models"]


async def test_tokens_are_counted_its_way_and_remembered(server: PythonServer, http: HttpClient) -> None:
    measuring = find_measuring(connect(server, http))
    assert measuring is not None
    counts = [await measuring.count_tokens(text) for text in ("a b c", "a b c", "a b")]

    assert counts == [3, 3, 2]
    assert [probe.path for probe in server.probes] == ["/extras/tokenize/count"] * 2


@pytest.mark.parametrize(("told", "size"), [(0, 2048), (4096, 4096)])
async def test_context_is_the_configured_one_or_the_default(
    server: PythonServer, http: HttpClient, told: int, size: int
) -> None:
    measuring = find_measuring(connect(server, http, told))
    assert measuring is not None

    assert await measuring.context_size() == size


async def test_tokens_that_no_server_can_count(old: CompletionServer, http: HttpClient) -> None:
    measuring = find_measuring(connect(old, http))
    assert measuring is not None

    assert await measuring.count_tokens("a b c") is None


async def test_context_of_a_server_that_is_away(server: PythonServer, http: HttpClient) -> None:
    measuring = find_measuring(connect(server, http))
    assert measuring is not None
    await server.stop()
    with pytest.raises(UnavailableError):
        await measuring.context_size()


async def test_plain_completion_is_asked_in_plain_text(old: CompletionServer, http: HttpClient) -> None:
    old.default = Reply(text=[" ", " Hi", "\n\nthere"], finish="length")
    talk = [
        Message(Role.SYSTEM, "Be kind."),
        Message(Role.USER, "a"),
        Message(Role.ASSISTANT, "b"),
        Message(Role.USER, "c"),
    ]
    model = connect(old, http)
    heard = await listen(model, ModelRequest(talk, temperature=0.0))
    await listen(model)

    sent = old.requests[0].body
    assert sent["prompt"] == "Be kind.\nUser: a\nAssistant: b\nUser: c\nAssistant:"
    assert (sent["n_predict"], sent["temperature"], sent["stop"]) == (1024, 0.0, ["\nUser:"])
    assert (heard.text, heard.end.reason) == ("Hi\n\nthere", FinishReason.LENGTH)
    assert [probe.path for probe in old.probes].count("/v1/chat/completions") == 1  # the second time it is known


async def test_old_build_without_a_list_of_models_is_ready(old: CompletionServer, http: HttpClient) -> None:
    old.models_reply = answer_json({"detail": "Not Found"}, 404)
    old.health_reply = answer_json({"status": "ok"})
    model = connect(old, http)

    assert (await listen(model)).text
    assert model.name == "llamacpp:local"
    assert (await model.check()).ok


@pytest.mark.parametrize("end", [{"stopped_limit": True}, {"stop_type": "limit"}])
async def test_builds_report_a_cut_answer_in_different_ways(
    old: CompletionServer, http: HttpClient, end: dict[str, object]
) -> None:
    old.default = answer_json({"content": "Hi", "stop": True, "model": "/models/tiny.gguf", **end})
    heard = await listen(connect(old, http))

    assert (heard.end.reason, heard.end.model, heard.end.usage.estimated) == (FinishReason.LENGTH, "tiny.gguf", True)


async def test_loading_is_distinguished_from_down_at_the_start(
    server: PythonServer, http: HttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    server.health_reply = refuse(503, {"code": 503, "message": "Loading model", "type": "unavailable_error"})
    settings = LLMSettings(model="llamacpp", base_urls={"llamacpp": server.url}, timeouts=QUICK)
    await choose_model(settings, ManualClock(instant=True), http)
    loading = caplog.text
    caplog.clear()
    await server.stop()
    await choose_model(settings, ManualClock(instant=True), http)

    assert "still loading" in loading
    assert "is not there" in caplog.text


async def test_model_of_the_settings_is_asked_for(server: PythonServer, http: HttpClient) -> None:
    settings = LLMSettings(base_urls={"llamacpp": server.url}, model_names={"llamacpp": "llama-3b"}, timeouts=QUICK)
    await listen(build_model("llamacpp", settings, ManualClock(instant=True), http))

    assert server.requests[0].body["model"] == "llama-3b"


@pytest.mark.parametrize(
    "missing",
    [
        (404, {"error": "Cannot POST /v1/chat/completions"}),
        (404, {}),
        (405, {"detail": "Method Not Allowed"}),
        (501, {"error": {"message": "This server does not support chat completions."}}),
    ],
)
async def test_odd_build_without_a_chat_route_is_asked_for_a_completion(
    old: CompletionServer, http: HttpClient, missing: tuple[int, object]
) -> None:
    old.missing = missing
    old.default = Reply(text=["Hi"])

    assert (await listen(connect(old, http))).text == "Hi"


async def test_server_without_any_route_is_no_missing_model(http: HttpClient) -> None:
    async with CompletionServer() as server:
        server.missing = (404, {"error": "no such page"})
        server.default = Reply(status=404, body=b'{"error": "no such page"}')
        with pytest.raises(ProtocolError):
            await listen(connect(server, http))
