"""Which model answers when the settings leave it open."""

from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path

import orjson
import pytest

from beseda.core.errors import KeyRejectedError, SettingsError
from beseda.http.client import HttpClient
from beseda.llm.base import prepare_model
from beseda.llm.discovery import find_local_servers, list_usual_addresses
from beseda.llm.local_server import ServerPlan, StartedServer
from beseda.llm.registry import AwaitedModel, LLMSettings, choose_model, list_local_addresses
from beseda.testing.clock import ManualClock
from tests.contract.llm.conftest import KEY, QUICK
from tests.parts.model_events import listen
from tests.parts.model_server import ModelServer, answer_json, answer_page, refuse


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(instant=True)


@pytest.fixture
async def other() -> AsyncIterator[ModelServer]:
    async with ModelServer() as running:
        yield running


async def test_spec_comes_first(server: ModelServer, clock: ManualClock, http: HttpClient) -> None:
    settings = LLMSettings(
        model="vllm:served", api_keys={"openrouter": KEY}, base_urls={"vllm": server.url}, timeouts=QUICK
    )
    model = await choose_model(settings, clock, http)
    heard = await listen(model)

    assert heard.end.endpoint == "vllm"
    assert server.requests[0].body["model"] == "served"


async def test_first_configured_endpoint_comes_next(server: ModelServer, clock: ManualClock, http: HttpClient) -> None:
    settings = LLMSettings(api_keys={"groq": KEY, "hf": KEY}, base_urls={"groq": server.url}, local_servers=())
    model = await choose_model(settings, clock, http)

    assert model.name.startswith("groq:")
    assert (await listen(model)).end.endpoint == "groq"


async def test_local_server_is_found(server: ModelServer, clock: ManualClock, http: HttpClient) -> None:
    server.models = [{"id": "nomic-embed"}, {"id": "llama3:8b", "owned_by": "library"}]
    server.models[0]["owned_by"] = "library"
    model = await choose_model(LLMSettings(local_servers=[server.base_url]), clock, http)

    assert model.name == "ollama:llama3:8b"
    assert (await listen(model)).text


async def test_demo_when_there_is_nothing(clock: ManualClock, http: HttpClient) -> None:
    model = await choose_model(LLMSettings(local_servers=[]), clock, http)

    assert model.name == "demo:demo"
    assert (await model.check()).ok


async def test_wrong_spec_is_an_error_of_the_settings(clock: ManualClock, http: HttpClient) -> None:
    with pytest.raises(SettingsError):
        await choose_model(LLMSettings(model="nothing"), clock, http)


async def test_next_of_the_list_answers(
    server: ModelServer, other: ModelServer, clock: ManualClock, http: HttpClient
) -> None:
    server.default = refuse(401)
    settings = LLMSettings(
        model="groq,openai",
        api_keys={"groq": KEY, "openai": KEY},
        base_urls={"groq": server.url, "openai": other.url},
    )
    model = await choose_model(settings, clock, http)
    heard = await listen(model)

    assert heard.end.endpoint == "openai"
    assert len(server.requests) == 1


async def test_wait_of_the_server_is_obeyed(server: ModelServer, clock: ManualClock, http: HttpClient) -> None:
    server.script(refuse(429, headers={"Retry-After": "4"}))
    model = await choose_model(LLMSettings(model="vllm:a", base_urls={"vllm": server.url}), clock, http)

    assert (await listen(model)).text
    assert clock.slept == [4.0]


async def test_key_is_sent_to_a_private_server(server: ModelServer, clock: ManualClock, http: HttpClient) -> None:
    server.api_key = KEY
    urls = {"vllm": server.url}
    good = await choose_model(LLMSettings(model="vllm:a", base_urls=urls, api_keys={"vllm": KEY}), clock, http)
    bad = await choose_model(LLMSettings(model="vllm:a", base_urls=urls), clock, http)

    assert (await listen(good)).text
    with pytest.raises(KeyRejectedError):
        await listen(bad)


async def test_servers_of_other_kinds_are_passed_over(
    server: ModelServer, other: ModelServer, http: HttpClient
) -> None:
    server.models_reply = answer_page()
    found = await find_local_servers(http, [server.base_url, "http://127.0.0.1:9/v1", other.base_url])

    assert [each.base_url for each in found] == [other.base_url]


@pytest.mark.parametrize("body", [{"data": []}, {"data": [7]}, {"data": None}, [], {"object": "list"}])
async def test_odd_lists_are_passed_over(server: ModelServer, http: HttpClient, body: object) -> None:
    server.models_reply = answer_json(body)

    assert await find_local_servers(http, [server.base_url]) == []


def test_usual_addresses_are_on_this_machine() -> None:
    addresses = list_usual_addresses()

    assert {"http://127.0.0.1:8080/v1", "http://127.0.0.1:11434/v1", "http://127.0.0.1:1234/v1"} <= set(addresses)
    assert len(addresses) == len(set(addresses))


@pytest.mark.parametrize(("owner", "row"), [("me", "llamacpp"), ("llamacpp", "llamacpp"), ("vllm", "vllm")])
async def test_servers_on_one_port_are_distinguished(
    server: ModelServer, http: HttpClient, owner: str, row: str
) -> None:
    server.models = [{"id": "/models/tiny.gguf", "owned_by": owner}]
    found = await find_local_servers(http, [server.base_url])

    assert [(each.endpoint.name, each.model) for each in found] == [(row, "tiny.gguf")]


async def test_a_server_that_comes_later_is_found_without_a_restart(clock: ManualClock, http: HttpClient) -> None:
    async with ModelServer() as later:
        settings_now = LLMSettings(local_servers=[later.base_url])
        model = await choose_model(LLMSettings(local_servers=[]), clock, http)
        assert isinstance(model, AwaitedModel)
        model = AwaitedModel(model, lambda: choose_model(settings_now, clock, http), clock)
        await prepare_model(model)
        assert model.name == "demo:demo"  # looked for a moment ago
        await clock.advance(3)
        await prepare_model(model)
        assert model.name.startswith("vllm:") or model.name.startswith("llamacpp:")


async def test_a_server_that_was_started_here_is_looked_for_first(tmp_path: Path) -> None:
    started = StartedServer(ServerPlan("model.gguf", port=18123), process=1)
    (tmp_path / "server.json").write_bytes(orjson.dumps(asdict(started)))
    settings = LLMSettings(local_servers=["http://127.0.0.1:9/v1"], models_folder=tmp_path)
    assert list_local_addresses(settings) == ["http://127.0.0.1:18123/v1", "http://127.0.0.1:9/v1"]
    (tmp_path / "server.json").write_text("{}")
    assert list_local_addresses(settings) == ["http://127.0.0.1:9/v1"]
