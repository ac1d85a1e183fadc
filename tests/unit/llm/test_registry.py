import pytest

from beseda.core.errors import SettingsError
from beseda.http.client import HttpClient
from beseda.http.endpoints import CHAT_ENDPOINTS, find_endpoint
from beseda.llm.registry import (
    LLMSettings,
    ModelAddress,
    build_model,
    list_configured,
    list_endpoint_names,
    mend_base_url,
    parse_spec,
    read_variables,
)
from beseda.testing.clock import ManualClock

KEYS = {row.name: "sk-test-key" for row in CHAT_ENDPOINTS}
LOCAL = next(row for row in CHAT_ENDPOINTS if row.is_local)


def name_of(spec: str | list[str], settings: LLMSettings | None = None) -> str:
    return build_model(spec, settings or LLMSettings(api_keys=KEYS), ManualClock(), HttpClient()).name


def test_demo_is_an_endpoint_too() -> None:
    assert list_endpoint_names()[-1] == "demo"


@pytest.mark.parametrize(
    ("spec", "addresses"),
    [
        ("openrouter:deepseek/x:free", [("openrouter", "deepseek/x:free")]),
        (" Groq:a , ollama:llama3:8b,", [("groq", "a"), ("ollama", "llama3:8b")]),
        (["llama.cpp", "demo"], [("llamacpp", ""), ("demo", "")]),
        ("", []),
    ],
)
def test_spec_is_read(spec: str | list[str], addresses: list[tuple[str, str]]) -> None:
    assert parse_spec(spec) == [ModelAddress(*address) for address in addresses]


def test_bare_endpoint_takes_its_default_model() -> None:
    row = CHAT_ENDPOINTS[0]

    assert name_of(row.name) == f"{row.name}:{row.chat.default_model}"


def test_list_keeps_its_order() -> None:
    assert name_of("groq:a,openai:b,demo") == "groq:a,openai:b,demo:demo"


def test_unknown_endpoint_names_the_nearest() -> None:
    with pytest.raises(SettingsError, match=r"'opnrouter', did you mean openrouter; known are openrouter, openai"):
        name_of("opnrouter:x")


def test_missing_key_names_the_remedy() -> None:
    row = CHAT_ENDPOINTS[0]
    with pytest.raises(SettingsError) as caught:
        name_of(row.name, LLMSettings())

    assert row.key_variable in caught.value.detail
    assert row.key_page in caught.value.detail
    assert "BESEDA_MODEL=demo" in caught.value.detail


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "ключ"])
def test_impossible_key_is_refused_unseen(key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        name_of("groq", LLMSettings(api_keys={"groq": key}))

    assert key not in caught.value.detail


def test_empty_spec_is_refused() -> None:
    with pytest.raises(SettingsError, match="BESEDA_MODEL"):
        name_of(" , ")


def test_keys_do_not_show_in_the_settings() -> None:
    assert "sk-test-key" not in repr(LLMSettings(api_keys=KEYS))


@pytest.mark.parametrize(
    ("url", "mended"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/v1"),
        ("127.0.0.1:8000/", "http://127.0.0.1:8000/v1"),
        ("localhost:8000/v1/", "http://localhost:8000/v1"),
        ("https://host/v1/chat/completions", "https://host/v1"),
        ("https://host/proxy/v2", "https://host/proxy/v2"),
        (" http://[::1]:8000 ", "http://[::1]:8000/v1"),
    ],
)
def test_base_url_is_mended(url: str, mended: str) -> None:
    assert mend_base_url(url, LOCAL) == mended


def test_vendor_without_a_path_gets_its_own() -> None:
    row = find_endpoint("groq")
    assert row is not None

    assert mend_base_url("http://127.0.0.1:9", row) == "http://127.0.0.1:9/openai/v1"


@pytest.mark.parametrize(
    ("url", "mended"),
    [
        ("https://gigachat.devices.sberbank.ru", "https://gigachat.devices.sberbank.ru/api/v1"),
        ("https://gigachat.devices.sberbank.ru/api/v1/", "https://gigachat.devices.sberbank.ru/api/v1"),
        ("https://api.giga.chat", "https://api.giga.chat/v1"),
        ("https://api.giga.chat/v1", "https://api.giga.chat/v1"),
    ],
)
def test_both_addresses_of_one_service_are_completed(url: str, mended: str) -> None:
    row = find_endpoint("gigachat")
    assert row is not None

    assert mend_base_url(url, row) == mended


@pytest.mark.parametrize(
    "url", ["ftp://host", "http://", "http://host/v1?key=1", "http://user:pass@host", "http://a:b:c"]
)
def test_impossible_base_url_names_the_variable(url: str) -> None:
    with pytest.raises(SettingsError, match=LOCAL.url_variable) as caught:
        mend_base_url(url, LOCAL)

    assert "pass" not in caught.value.detail.replace("password", "")


def test_variables_are_found_by_the_table() -> None:
    keys, urls = read_variables({"GROQ_API_KEY": " k ", "LLAMA_SERVER_URL": "http://a", "HF_TOKEN": "", "OTHER": "x"})

    assert (keys, urls) == ({"groq": "k"}, {"llamacpp": "http://a"})


def test_configured_is_a_key_or_a_private_address() -> None:
    settings = LLMSettings(
        api_keys={"groq": "k", "vllm": "k"}, base_urls={"llamacpp": "http://a", "openai": "http://b"}
    )

    assert {row.name for row in list_configured(settings)} == {"groq", "llamacpp"}


@pytest.mark.parametrize(
    ("urls", "first"),
    [
        ({"llamacpp": "http://127.0.0.1:9"}, "llamacpp"),
        ({"vllm": "https://llm.example.org/v1"}, "vllm"),
        ({"ollama": "127.0.0.1:11434"}, "ollama"),
        ({"lmstudio": "http://gpu.lan:1234/v1"}, "lmstudio"),
        ({"openai": "http://127.0.0.1:1234/v1"}, "openai"),
        ({"openai": "http://llm:1234/v1"}, "openai"),
        ({"openai": "https://api.openai.com/v1"}, "openrouter"),
        ({}, "openrouter"),
    ],
)
def test_an_address_that_the_owner_set_stands_above_keys(urls: dict[str, str], first: str) -> None:
    keys = {"openrouter": "k", "openai": "k", "groq": "k"}

    assert list_configured(LLMSettings(api_keys=keys, base_urls=urls))[0].name == first


HF = {"hf": "hf_of_the_tests"}


@pytest.mark.parametrize(
    ("spec", "keys", "addresses"),
    [
        ("llama3", {}, [("hf", "llama3")]),
        ("Qwen2,groq", HF, [("hf", "qwen2"), ("groq", "")]),
        ("deepseek", HF, [("hf", "deepseek")]),
        ("deepseek", {}, [("deepseek", "")]),
        ("deepseek", {**HF, "deepseek": "sk-of-the-tests"}, [("deepseek", "")]),
        ("deepseek:deepseek-chat", HF, [("deepseek", "deepseek-chat")]),
        ("mine", {}, [("hf", "mine")]),
    ],
)
def test_a_short_name_stands_for_hugging_faces_model(
    spec: str, keys: dict[str, str], addresses: list[tuple[str, str]]
) -> None:
    settings = LLMSettings(api_keys=keys, aliases=("mine=maker/model",))
    assert parse_spec(spec, settings) == addresses


@pytest.mark.parametrize("spec", ["llama4", "opnai:x", "llama3:8b"])
def test_an_invalid_name_blames_no_setting(spec: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_spec(spec)
    assert "BESEDA_MODEL" not in caught.value.detail
