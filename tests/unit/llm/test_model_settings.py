"""From variables to models: what a person sets arrives where it is used."""

from pathlib import Path

import pytest

from beseda.app_settings import llm_settings
from beseda.config import load_settings
from beseda.core.errors import SettingsError
from beseda.http.client import HttpClient
from beseda.llm.gigachat import GigaChatSettings
from beseda.llm.registry import LLMSettings, build_model, list_configured
from beseda.testing.clock import ManualClock

GIGA = {
    "GIGA_CLIENT_BASIC": "aWQ6c2VjcmV0",
    "GIGA_API_BASE_URL": "https://gigachat.devices.sberbank.ru",
    "GIGA_AUTH_URL": "https://auth.example.org/oauth",
    "GIGA_SCOPE": "GIGACHAT_API_B2B",
    "GIGA_MODEL_NAME": "GigaChat",
    "GIGA_VERIFY_SSL": "false",
    "GIGA_CA_BUNDLE": "root.pem",
    "GIGA_STREAMS": "3",
}


def read(**environ: str) -> LLMSettings:
    return llm_settings(load_settings(None, {}, environ))


def name_of(spec: str, settings: LLMSettings) -> str:
    return build_model(spec, settings, ManualClock(), HttpClient()).name


def test_every_variable_of_gigachat_arrives() -> None:
    settings = read(**GIGA)

    assert settings.gigachat == GigaChatSettings(
        auth_url="https://auth.example.org/oauth",
        scope="GIGACHAT_API_B2B",
        verify_ssl=False,
        ca_bundle=Path("root.pem"),
        streams=3,
    )
    assert settings.base_urls == {"gigachat": "https://gigachat.devices.sberbank.ru"}
    assert [row.name for row in list_configured(settings)] == ["gigachat"]
    assert name_of("gigachat", settings) == "gigachat:GigaChat"


def test_key_of_gigachat_is_a_secret() -> None:
    assert "aWQ6c2VjcmV0" in load_settings(None, {}, GIGA).secrets()


@pytest.mark.parametrize(("scope", "streams"), [("GIGACHAT_API_PERS", 1), ("GIGACHAT_API_CORP", 10)])
def test_streams_are_the_scopes_by_default(scope: str, streams: int) -> None:
    assert read(GIGA_SCOPE=scope).gigachat.count_streams() == streams
    assert read(GIGA_SCOPE=scope, GIGA_STREAMS="4").gigachat.count_streams() == 4


@pytest.mark.parametrize("variable", ["GIGA_SCOPE", "GIGA_VERIFY_SSL", "GIGA_STREAMS", "LLAMA_CONTEXT_SIZE"])
def test_wrong_value_names_its_variable(variable: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        read(**{variable: "perhaps"})


def test_names_of_models_arrive() -> None:
    settings = read(
        LLAMA_MODEL_NAME="llama-3b", GROQ_MODEL_NAME="fast", GROQ_API_KEY="gsk_x", LLAMA_SERVER_URL="http://a"
    )

    assert name_of("llamacpp", settings) == "llamacpp:llama-3b"
    assert name_of("groq", settings) == "groq:fast"
    assert name_of("groq:other", settings) == "groq:other"


def test_lists_arrive() -> None:
    settings = read(
        BESEDA_PRICES="groq:a=1/2, hf:b/c=3", HF_ALIASES="qwen2=a/b|c/d", LLAMA_CONTEXT_SIZE="8192", HF_TOKEN="hf_x"
    )

    assert settings.prices == ("groq:a=1/2", "hf:b/c=3")
    assert settings.aliases == ("qwen2=a/b|c/d",)
    assert settings.llama_context == 8192
    assert name_of("hf:qwen2", settings) == "hf:qwen2"


@pytest.mark.parametrize("wrong", [{"BESEDA_PRICES": "groq:a"}, {"HF_ALIASES": "qwen2"}])
def test_wrong_entry_of_a_list_is_reported_at_the_start(wrong: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        name_of("hf:qwen2", read(HF_TOKEN="hf_x", **wrong))
