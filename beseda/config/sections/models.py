"""The section `models` of the settings."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from beseda.config.setting import Section, Setting, Url, split_list
from beseda.http.endpoints import CHAT_ENDPOINTS, find_endpoint

_Models = Annotated[
    tuple[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]*(:\S+)?$")], ...],
    BeforeValidator(split_list),
]
_MODELS = "`endpoint:model`, or several with commas between, the first that works is used"


def _name_endpoints(value: object) -> object:
    if not isinstance(value, dict):
        return value
    return {row.name if (row := find_endpoint(str(name))) else name: entry for name, entry in value.items()}


class ModelsSection(Section):
    """Models for answers and speech recognition, and their addresses."""

    model: Annotated[
        _Models,
        Setting(
            "models.chat",
            "The model that answers, as `endpoint:model`, or an ordered list: the next one steps in when one fails.",
            _MODELS,
            variables=("BESEDA_MODEL",),
            default="a server whose address is set, then the first endpoint that has a key, then a server found on "
            "this machine, then the demo model",
            example="[openrouter:deepseek/deepseek-v4-flash, groq:openai/gpt-oss-120b]",
        ),
    ] = ()
    speech: Annotated[
        _Models,
        Setting(
            "models.speech",
            "Speech-to-text service for voice messages, written like `models.chat`.",
            _MODELS,
            variables=("BESEDA_SPEECH",),
            default="a service whose address is set, then the first endpoint for speech that has a key",
            example="groq:whisper-large-v3-turbo",
        ),
    ] = ()
    api_keys: Annotated[
        dict[str, str],
        BeforeValidator(_name_endpoints),
        Setting(
            "models.keys",
            "Key of an endpoint, by its name: `OPENROUTER_API_KEY`, `OPENAI_API_KEY`, `HF_TOKEN` and so on.",
            "the key as the service shows it",
            pattern="<ENDPOINT>_API_KEY",
            special={row.key_variable: row.name for row in CHAT_ENDPOINTS},
            secret=True,
            default="none",
            example='{openrouter: "${OPENROUTER_API_KEY}"}',
        ),
    ] = Field({}, repr=False)
    base_urls: Annotated[
        dict[str, Url],
        BeforeValidator(_name_endpoints),
        Setting(
            "models.base_urls",
            "Address of an endpoint, by its name: a server of your own, or a proxy before a public one.",
            "an address like http://127.0.0.1:8000/v1",
            expected_entries={row.name: f"an address like {row.base_url}" for row in CHAT_ENDPOINTS},
            pattern="<ENDPOINT>_BASE_URL",
            special={row.url_variable: row.name for row in CHAT_ENDPOINTS},
            address=True,
            default="the endpoint's own",
            example="{llamacpp: http://127.0.0.1:8080/v1}",
        ),
    ] = Field({}, repr=False)
    model_names: Annotated[
        dict[str, str],
        BeforeValidator(_name_endpoints),
        Setting(
            "models.names",
            "Model of an endpoint where `models.chat` names none, by the endpoint's name.",
            "the model's name as the endpoint lists it",
            pattern="<ENDPOINT>_MODEL_NAME",
            special={row.chat.model_variable: row.name for row in CHAT_ENDPOINTS if row.chat.model_variable},
            default="the endpoint's own",
            example="{gigachat: GigaChat-2-Max}",
        ),
    ] = Field({})
    prices: Annotated[
        tuple[str, ...],
        BeforeValidator(split_list),
        Setting(
            "models.prices",
            "What models cost where their endpoint does not say it: dollars for a million tokens in and out.",
            "entries like openrouter:deepseek/deepseek-v4-flash=0.14/0.28 with commas between",
            variables=("BESEDA_PRICES",),
            default="Hugging Face's own list; no cost elsewhere",
            example="[gigachat:GigaChat-2=2.5/2.5]",
        ),
    ] = ()
    hf_aliases: Annotated[
        tuple[str, ...],
        BeforeValidator(split_list),
        Setting(
            "models.hf_aliases",
            "What short names like `hf:qwen2` stand for: candidates in order, the first that is served now is taken.",
            "entries like qwen2=Qwen/Qwen3.6-27B|Qwen/Qwen3.8-27B with commas between",
            variables=("HF_ALIASES",),
            default="`deepseek`, `llama3` and `qwen2` with candidates of autumn 2026",
            example="[qwen2=Qwen/Qwen3.6-27B]",
        ),
    ] = ()
    llama_context: Annotated[
        Annotated[int, Field(ge=0, le=100_000_000)],
        Setting(
            "models.llama_context",
            "Context of the llama.cpp server in tokens, where it does not tell itself; 0 asks it.",
            "a number of tokens like 8192",
            variables=("LLAMA_CONTEXT_SIZE",),
            default="as the server says, else 2048",
            example="8192",
        ),
    ] = 0
