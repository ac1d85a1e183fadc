"""What people get wrong with keys, names and addresses, and what they read then."""

import pytest

from beseda.core.errors import KeyRejectedError, ModelNotFoundError, ProtocolError, SettingsError, UnavailableError
from beseda.http.client import HttpClient
from beseda.http.endpoints import Endpoint
from beseda.llm.base import ChatModel
from beseda.llm.registry import LLMSettings, build_model
from beseda.testing.clock import ManualClock
from tests.contract.llm.conftest import CHATS, KEY, QUICK, find_row
from tests.parts.model_events import listen
from tests.parts.model_server import ModelServer, Reply, answer_json, answer_page, refuse

REMOTE = [subject.endpoint for subject in CHATS if subject.endpoint.needs_key and subject.endpoint.name != "gigachat"]


def build(spec: str, server: ModelServer, http: HttpClient, key: str = KEY) -> ChatModel:
    name = spec.partition(":")[0]
    settings = LLMSettings(api_keys={name: key}, base_urls={name: server.url}, timeouts=QUICK)
    return build_model(spec, settings, ManualClock(instant=True), http)


@pytest.mark.parametrize("row", REMOTE, ids=lambda row: row.name)
async def test_wrong_key_names_the_source_of_a_right_one(server: ModelServer, http: HttpClient, row: Endpoint) -> None:
    server.api_key = "another"
    with pytest.raises(KeyRejectedError) as caught:
        await listen(build(row.name, server, http))

    assert row.key_variable in caught.value.detail
    assert row.key_page in caught.value.detail
    assert KEY not in caught.value.detail


async def test_private_server_with_a_key_names_the_variable(server: ModelServer, http: HttpClient) -> None:
    server.api_key = "another"
    with pytest.raises(KeyRejectedError, match="check VLLM_API_KEY"):
        await listen(build("vllm:m", server, http, ""))


@pytest.mark.parametrize(
    ("variable", "key", "home"),
    [
        ("openai", "gsk_0123456789", "GROQ_API_KEY"),
        ("openai", "sk-or-v1-0123456789", "OPENROUTER_API_KEY"),
        ("openrouter", "sk-proj-0123456789", "OPENAI_API_KEY"),
        ("groq", "hf_0123456789", "HF_TOKEN"),
        ("deepseek", "sk-or-v1-0123456789", "OPENROUTER_API_KEY"),
    ],
)
def test_key_in_the_wrong_variable_is_reported_at_the_start(
    http: HttpClient, variable: str, key: str, home: str
) -> None:
    with pytest.raises(SettingsError, match=f"move it to {home}") as caught:
        build_model(variable, LLMSettings(api_keys={variable: key}), ManualClock(), http)

    assert find_row(variable).key_variable in caught.value.detail
    assert key not in caught.value.detail


@pytest.mark.parametrize(("variable", "key"), [("openai", "sk-0123456789"), ("deepseek", "sk-0123456789")])
def test_key_that_may_be_anybodys_is_taken(http: HttpClient, variable: str, key: str) -> None:
    assert build_model(variable, LLMSettings(api_keys={variable: key}), ManualClock(), http).name


async def test_proxy_may_want_anybodys_key(server: ModelServer, http: HttpClient) -> None:
    assert (await listen(build("openai", server, http, "sk-or-v1-0123456789"))).text


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [
        ("gpt-oss-12b", "did you mean openai/gpt-oss-120b or openai/gpt-oss-20b?"),
        ("nothing-like-it", "there are openai/gpt-oss-120b, openai/gpt-oss-20b, qwen/qwen3-32b, …"),
    ],
)
async def test_wrong_model_comes_with_the_nearest(
    server: ModelServer, http: HttpClient, wanted: str, hint: str
) -> None:
    names = ("openai/gpt-oss-120b", "openai/gpt-oss-20b", "qwen/qwen3-32b", "whisper-large-v3")
    server.models = [{"id": name} for name in names]
    server.default = refuse(404, {"message": "The model does not exist", "code": "model_not_found"})
    model = build(f"groq:{wanted}", server, http)
    with pytest.raises(ModelNotFoundError) as caught:
        await listen(model)

    assert caught.value.detail.endswith(hint)
    assert (await model.check()).detail.endswith(hint)


async def test_wrong_model_if_no_list_is_available(server: ModelServer, http: HttpClient) -> None:
    server.models_reply = refuse(500)
    server.default = refuse(404, {"message": "The model does not exist", "code": "model_not_found"})
    with pytest.raises(ModelNotFoundError, match=r"does not exist$"):
        await listen(build("groq:x", server, http))


@pytest.mark.parametrize("reply", [answer_page(), answer_json({"detail": "Not Found"}, 404)])
async def test_wrong_address_shows_the_form_of_a_right_one(server: ModelServer, http: HttpClient, reply: Reply) -> None:
    server.default = reply
    with pytest.raises(ProtocolError, match=r"VLLM_BASE_URL should be an address like http://127\.0\.0\.1:8000/v1"):
        await listen(build("vllm:m", server, http))


async def test_server_that_is_down_is_reported_as_such(server: ModelServer, http: HttpClient) -> None:
    model = build("vllm:m", server, http)
    await server.stop()
    with pytest.raises(UnavailableError, match=r"^vllm:m: .*no connection: .*; is vLLM running\? VLLM_BASE"):
        await listen(model)

    assert "no connection" in (await model.check()).detail


async def test_address_without_its_path_is_completed(server: ModelServer, http: HttpClient) -> None:
    await listen(build("vllm:m", server, http))

    assert server.requests[0].path == "/v1/chat/completions"


async def test_proxys_error_page_is_recognised(server: ModelServer, http: HttpClient) -> None:
    server.default = answer_page(502)
    with pytest.raises(UnavailableError, match="web page instead of an answer; a proxy"):
        await listen(build("vllm:m", server, http))
