"""Servers that drop what they cannot read instead of refusing it."""

import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from beseda.core.message import Message, Role
from beseda.http.client import HttpClient
from beseda.llm.base import ChatModel, ModelRequest, find_measuring
from beseda.llm.fitting import fit_messages
from tests.contract.llm.conftest import Subject, build_model, find_row
from tests.parts.model_events import listen
from tests.parts.model_server import SERVED_MODEL, ModelServer, Reply

PERSONA = Message(Role.SYSTEM, "Be kind.")
LONG = [PERSONA, *[Message(role, "слово " * 400) for _ in range(5) for role in (Role.USER, Role.ASSISTANT)]]
LONG.append(Message(Role.USER, "И?"))


class OllamaServer(ModelServer):
    """Ollama's own routes beside those of OpenAI."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[dict[str, Any]] = []
        self.shown: dict[str, Any] | None = None

    def _add_routes(self, router: web.UrlDispatcher) -> None:
        super()._add_routes(router)
        router.add_get("/api/ps", self._list_loaded)
        router.add_post("/api/show", self._show)

    async def _list_loaded(self, _: web.Request) -> web.Response:
        return web.json_response({"models": self.loaded})

    async def _show(self, _: web.Request) -> web.Response:
        return web.json_response(self.shown) if self.shown else web.json_response({"error": "not found"}, status=404)


@pytest.fixture
async def ollama() -> AsyncIterator[OllamaServer]:
    async with OllamaServer() as running:
        yield running


def connect(name: str, server: ModelServer, http: HttpClient) -> ChatModel:
    return build_model(Subject(find_row(name)), server, http)


async def find_size(model: ChatModel) -> int | None:
    measuring = find_measuring(model)
    return await measuring.context_size() if measuring else None


async def test_context_of_a_loaded_model_is_asked(ollama: OllamaServer, http: HttpClient) -> None:
    ollama.loaded = [{"name": "other:1b", "context_length": 1}, {"name": SERVED_MODEL, "context_length": 4096}]
    model = connect("ollama", ollama, http)

    assert await find_size(model) == 4096
    shown = await fit_messages(LONG, model)
    assert shown[0] == PERSONA
    assert len(shown) < len(LONG)


@pytest.mark.parametrize(
    ("shown", "size"),
    [
        ({"parameters": 'stop "x"\nnum_ctx    8192\n', "model_info": {"llama.context_length": 131072}}, 8192),
        ({"parameters": "", "model_info": {"llama.context_length": 131072}}, 4096),
        ({"model_info": {"llama.context_length": 2048}}, 2048),
        (None, None),
    ],
)
async def test_context_of_a_model_that_is_not_loaded_is_that_of_its_file(
    ollama: OllamaServer, http: HttpClient, shown: dict[str, Any] | None, size: int | None
) -> None:
    ollama.shown = shown

    assert await find_size(connect("ollama", ollama, http)) == size


@pytest.mark.parametrize("name", ["ollama", "lmstudio", "openrouter"])
async def test_server_that_counts_less_than_was_sent_is_noticed_and_kept_to(
    ollama: OllamaServer, http: HttpClient, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    model = connect(name, ollama, http)
    ollama.default = Reply(usage=(2051, 7))
    with caplog.at_level(logging.WARNING, "beseda.llm"):
        await listen(model, ModelRequest(LONG))
        await listen(model, ModelRequest(LONG))

    warned = [record.getMessage() for record in caplog.records]
    assert len(warned) == 1
    assert all(word in warned[0] for word in (model.name, "2051", "context"))
    shown = await fit_messages(LONG, model)
    assert shown[0] == PERSONA
    assert len(shown) < len(LONG)


async def test_server_that_reads_all_is_not_suspected(ollama: OllamaServer, http: HttpClient) -> None:
    model = connect("lmstudio", ollama, http)
    ollama.default = Reply(usage=(9000, 7))
    await listen(model, ModelRequest(LONG))

    assert await find_size(model) is None
