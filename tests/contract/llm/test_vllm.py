"""What vLLM tells of itself beyond the wire."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from beseda.http.client import HttpClient
from beseda.llm.base import Measuring, find_measuring
from beseda.llm.registry import LLMSettings, build_model
from beseda.testing.clock import ManualClock
from tests.contract.llm.conftest import QUICK
from tests.parts.model_server import ModelServer, record_request


class VllmServer(ModelServer):
    """Counts words."""

    def _add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/tokenize", self._count)
        super()._add_routes(router)

    async def _count(self, request: web.Request) -> web.Response:
        recorded = await record_request(request)
        self.probes.append(recorded)
        tokens = list(range(len(recorded.body["prompt"].split())))
        return web.json_response({"count": len(tokens), "max_model_len": 12384, "tokens": tokens})


@pytest.fixture
async def server() -> AsyncIterator[VllmServer]:
    async with VllmServer() as running:
        yield running


def connect(server: ModelServer, http: HttpClient) -> Measuring:
    settings = LLMSettings(base_urls={"vllm": server.url}, timeouts=QUICK)
    measuring = find_measuring(build_model("vllm:b", settings, ManualClock(instant=True), http))
    assert measuring is not None
    return measuring


async def test_context_is_the_models(server: VllmServer, http: HttpClient) -> None:
    server.models = [{"id": "a", "max_model_len": 4096}, {"id": "b", "max_model_len": 12384}]
    measuring = connect(server, http)

    assert [await measuring.context_size() for _ in range(2)] == [12384, 12384]
    assert len(server.probes) == 1


async def test_tokens_are_counted_once_for_a_text(server: VllmServer, http: HttpClient) -> None:
    measuring = connect(server, http)

    assert [await measuring.count_tokens(text) for text in ("a b", "a b", "")] == [2, 2, 0]
    assert server.probes[0].body == {"prompt": "a b", "add_special_tokens": False, "model": "b"}
    assert len(server.probes) == 2


async def test_server_that_reports_nothing(http: HttpClient) -> None:
    async with ModelServer() as plain:
        measuring = connect(plain, http)

        assert (await measuring.context_size(), await measuring.count_tokens("a")) == (None, None)
