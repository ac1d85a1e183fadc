"""From settings to a recogniser, and from one recogniser to the next."""

from pathlib import Path

import pytest

from beseda.core.errors import KeyRejectedError, QuotaExceededError, SettingsError, SpeechNotConfiguredError
from beseda.http.endpoints import SPEECH_ENDPOINTS, Endpoint
from beseda.locales.errors import explain
from beseda.speech.registry import SpeechSettings, build_transcriber
from tests.parts.speech_server import Fault, SpeechServer

LOCAL = {"asr": "http://127.0.0.1:9"}


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        (SpeechSettings(), "none"),
        (SpeechSettings(api_keys={"groq": "k", "openai": "k"}), "groq:whisper-large-v3-turbo"),
        (SpeechSettings(api_keys={"openai": "k"}), "openai:gpt-transcribe"),
        # What the owner named stands above a key that is there for chat: voices stay at home.
        (SpeechSettings(api_keys={"groq": "k", "openai": "k"}, base_urls=LOCAL), "asr"),
        (SpeechSettings(api_keys={"openrouter": "k"}, base_urls={"transcribe": "http://127.0.0.1:9"}), "transcribe"),
        (SpeechSettings(base_urls=LOCAL), "asr"),
        (SpeechSettings("asr:openai/whisper-small", base_urls=LOCAL), "asr:openai/whisper-small"),
        (SpeechSettings("asr, groq:w ,", {"groq": "k"}, LOCAL), "asr,groq:w"),
    ],
)
def test_build_transcriber_of_settings(settings: SpeechSettings, name: str) -> None:
    assert build_transcriber(settings).name == name


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (SpeechSettings("grok"), "grok, an unknown speech endpoint: did you mean groq?"),
        (SpeechSettings("siri"), "known are groq, openai, asr, transcribe, openrouter"),
        (SpeechSettings("groq"), "GROQ_API_KEY is not set; get a key at https://console.groq.com/keys"),
        (SpeechSettings("asr"), "ASR_BASE_URL is not set"),
        (SpeechSettings(base_urls={"asr": "localhost:8001"}), "ASR_BASE_URL is not an http address"),
    ],
)
def test_build_transcriber_of_wrong_settings_names_the_setting(settings: SpeechSettings, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        build_transcriber(settings)
    assert message in str(caught.value)


def test_settings_do_not_print_their_keys() -> None:
    assert "gsk_secret" not in repr(SpeechSettings(api_keys={"groq": "gsk_secret"}))


@pytest.mark.parametrize("endpoint", ["groq", "asr"])
async def test_bare_host_gets_the_usual_path(server: SpeechServer, voice: Path, endpoint: str) -> None:
    built = build_transcriber(SpeechSettings(endpoint, {"groq": "k"}, {endpoint: server.root_url}))
    assert (await built.transcribe(voice)).text == "Привет, мир"
    await built.close()


async def test_own_server_without_a_model_or_key_is_sent_neither(server: SpeechServer, voice: Path) -> None:
    built = build_transcriber(SpeechSettings(base_urls={"asr": server.base_url}))
    await built.transcribe(voice)
    await built.close()
    assert server.heard[0].fields == {"response_format": "json"}
    assert server.heard[0].authorization == ""


async def test_failover_asks_the_next_one(server: SpeechServer, voice: Path) -> None:
    built = build_transcriber(
        SpeechSettings("groq,asr", {"groq": "gsk_wrong"}, dict.fromkeys(["groq", "asr"], server.base_url))
    )
    server.faults.append(Fault.UNAUTHORIZED)
    assert (await built.transcribe(voice)).text == "Привет, мир"
    await built.close()
    assert [heard.authorization for heard in server.heard] == ["Bearer gsk_wrong", ""]


async def test_failover_without_success_raises_the_retryable_error(server: SpeechServer, voice: Path) -> None:
    built = build_transcriber(
        SpeechSettings("groq,asr", {"groq": "gsk_wrong"}, dict.fromkeys(["groq", "asr"], server.base_url))
    )
    server.retry_after = "30"
    server.faults.extend([Fault.TOO_MANY, Fault.UNAUTHORIZED])
    with pytest.raises(QuotaExceededError) as caught:
        await built.transcribe(voice)
    await built.close()
    assert caught.value.retry_after == 30
    assert len(server.heard) == 2


async def test_wrong_key_is_not_tried_again(server: SpeechServer, voice: Path) -> None:
    built = build_transcriber(SpeechSettings("groq", {"groq": "gsk_wrong"}, {"groq": server.base_url}))
    server.faults.append(Fault.UNAUTHORIZED)
    with pytest.raises(KeyRejectedError):
        await built.transcribe(voice)
    await built.close()
    assert len(server.heard) == 1


async def test_missing_configuration_is_an_error_and_no_pretence(voice: Path) -> None:
    built = build_transcriber(SpeechSettings())
    with pytest.raises(SpeechNotConfiguredError, match="GROQ_API_KEY, OPENAI_API_KEY, ASR_BASE_URL, TRANS") as caught:
        await built.transcribe(voice)
    assert "текстом" in explain(caught.value, "ru")
    assert not (await built.check()).ok


async def test_model_that_is_not_served_is_noticed(server: SpeechServer) -> None:
    built = build_transcriber(SpeechSettings("asr:nonsense", base_urls={"asr": server.base_url}))
    assert (await built.check()).detail == "asr has no model nonsense"
    await built.close()


@pytest.mark.parametrize("row", SPEECH_ENDPOINTS, ids=lambda row: row.name)
def test_how_to_names_the_limits_of_an_endpoint(row: Endpoint) -> None:
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "transcripts.md").read_text("utf-8")
    line = next(line for line in page.splitlines() if line.startswith(f"| `{row.name}` |"))
    assert f"| {row.speech.limits.max_bytes // 1_000_000} MB" in line
    assert f"| {row.speech.limits.parallel} |" in line
    assert ("," in line.split("|")[2]) is (row.speech.limits.max_seconds is not None)
