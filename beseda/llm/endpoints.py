"""Table of all OpenAI-compatible endpoints, one row each. Only this table knows vendors by name.

The order matters: without `BESEDA_MODEL` the first row that is set up answers, servers with an address in the settings
first. The command line, the documentation and the contract suite are derived from the table, so a new vendor needs only
a new row.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

# How keys of these vendors begin: what looks like one is never repeated in a log.
KEY_PREFIXES = ("sk-", "gsk_", "hf_")

# Its tokens come from another host than its answers.
GIGACHAT_AUTH_URL = "https://ngw.devices.sberbank.ru:9443/api/v2/oauth"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Facts about one endpoint of the OpenAI protocol. Capabilities of models are not among them."""

    name: str
    title: str
    base_url: str
    key_variable: str
    url_variable: str
    default_model: str = ""
    """Empty: the first model that the server lists."""
    model_variable: str = ""
    """Names another default model; `<NAME>_MODEL_NAME` does so for every endpoint."""
    aliases: tuple[str, ...] = ()
    needs_key: bool = True
    key_page: str = ""
    """Where a person gets a key."""
    key_marks: tuple[str, ...] = ()
    """How its keys, and nobody else's, begin."""
    credit_hint: str = ""
    """What to do when the account is empty."""
    path_elsewhere: str = ""
    """The API's path at another host than `base_url`'s, where that differs."""
    local_ports: tuple[int, ...] = ()
    """Where a server of this kind usually listens on one's own machine."""
    owner_marks: tuple[str, ...] = ()
    """`owned_by` in its list of models, which tells servers on one port apart."""
    headers: Mapping[str, str] = field(default_factory=dict)
    usage_in_stream: bool = True
    """Takes `stream_options.include_usage`."""
    usage_wrapper: str = ""
    """A field of the last chunk that holds `usage` where the chunk itself has none."""
    takes_user: bool = True
    """Takes `user`, by which a provider tells our users apart."""
    takes_schema: bool = False
    """Takes `response_format` with a JSON schema in a stream; else the schema goes into the system message."""
    max_tokens_field: str = "max_tokens"
    check_path: str = "/models"
    """Asked, under the base URL, whether the key is good."""
    health_path: str = ""
    """Asked, at the server's root, whether the model is loaded; a server without it answers 404."""
    context_hint: str = "give the server a larger context"
    """How the owner of a server gives its model a larger context."""
    takes_any_model: bool = False
    """Serves the one model that it has whatever name the request gives."""

    @property
    def is_local(self) -> bool:
        """Whether this is a server of one's own rather than a company's."""
        return not self.needs_key


# OpenRouter's slugs, DeepSeek's names, the HF mapping, OpenAI's shut-down dates: as published in autumn 2026.
# Who holds an answer to a schema: OpenAI, guides/structured-outputs; openrouter.ai/docs/structured-outputs (what cannot
# refuses, and is then told in words); docs.vllm.ai, structured outputs; llama.cpp, tools/server/README;
# lmstudio.ai/docs/api/structured-output; Ollama, docs/openai.md. Groq does not do so in a stream
# (console.groq.com/docs/structured-outputs), DeepSeek knows `json_object` alone, GigaChat neither; at Hugging Face it
# depends on the provider.
# Groq retired llama-3.3-70b-versatile on 16 August 2026 in favour of gpt-oss-120b (console.groq.com/docs/deprecations).
ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        name="openrouter",
        title="OpenRouter",
        base_url="https://openrouter.ai/api/v1",
        key_variable="OPENROUTER_API_KEY",
        url_variable="OPENROUTER_BASE_URL",
        default_model="deepseek/deepseek-v4-flash",
        key_page="https://openrouter.ai/settings/keys",
        key_marks=("sk-or-",),
        credit_hint="buy credits at https://openrouter.ai/settings/credits, or take a model whose name ends in :free",
        headers=MappingProxyType({"X-Title": "Beseda"}),
        check_path="/key",  # its list of models is public and would not notice a wrong key
        takes_schema=True,
    ),
    Endpoint(
        name="openai",
        title="OpenAI",
        base_url="https://api.openai.com/v1",
        key_variable="OPENAI_API_KEY",
        url_variable="OPENAI_BASE_URL",
        default_model="gpt-6-luna",
        key_page="https://platform.openai.com/api-keys",
        key_marks=("sk-proj-", "sk-svcacct-", "sk-admin-"),
        credit_hint="top up at https://platform.openai.com/settings/organization/billing",
        max_tokens_field="max_completion_tokens",
        takes_schema=True,
    ),
    Endpoint(
        name="groq",
        title="Groq",
        base_url="https://api.groq.com/openai/v1",
        key_variable="GROQ_API_KEY",
        url_variable="GROQ_BASE_URL",
        default_model="openai/gpt-oss-120b",
        key_page="https://console.groq.com/keys",
        key_marks=("gsk_",),
        usage_wrapper="x_groq",
    ),
    Endpoint(
        name="hf",
        title="Hugging Face",
        aliases=("huggingface", "hugging-face"),
        base_url="https://router.huggingface.co/v1",
        key_variable="HF_TOKEN",
        url_variable="HF_BASE_URL",
        default_model="deepseek-ai/DeepSeek-V4-Flash-0731",
        key_page="https://huggingface.co/settings/tokens (permission: call Inference Providers)",
        key_marks=("hf_",),
        credit_hint="the free credit of a month ($0.10) is spent: buy more at https://huggingface.co/settings/billing",
    ),
    Endpoint(
        name="gigachat",
        title="GigaChat",
        aliases=("giga",),
        base_url="https://api.giga.chat/v1",
        path_elsewhere="/api/v1",  # the older host, still documented: gigachat.devices.sberbank.ru
        key_variable="GIGA_CLIENT_BASIC",
        url_variable="GIGA_API_BASE_URL",
        default_model="GigaChat-2",  # plain `GigaChat` is an alias that may move
        model_variable="GIGA_MODEL_NAME",
        key_page="https://developers.sber.ru/studio (a project's authorization key)",
        credit_hint="this model's tokens are used up: buy a package at https://developers.sber.ru/studio",
        usage_in_stream=False,  # it counts in the last chunk unasked
        takes_user=False,
    ),
    Endpoint(
        name="deepseek",
        title="DeepSeek",
        base_url="https://api.deepseek.com/v1",
        key_variable="DEEPSEEK_API_KEY",
        url_variable="DEEPSEEK_BASE_URL",
        default_model="deepseek-v4-flash",
        key_page="https://platform.deepseek.com/api_keys",
        credit_hint="top up at https://platform.deepseek.com/top_up",
    ),
    Endpoint(
        name="vllm",
        title="vLLM",
        base_url="http://127.0.0.1:8000/v1",
        key_variable="VLLM_API_KEY",
        url_variable="VLLM_BASE_URL",
        needs_key=False,
        local_ports=(8000,),
        owner_marks=("vllm",),
        health_path="/health",
        takes_schema=True,
    ),
    Endpoint(
        name="llamacpp",
        title="llama.cpp",
        aliases=("llama.cpp", "llama-cpp", "llama"),
        base_url="http://127.0.0.1:8080/v1",
        key_variable="LLAMA_API_KEY",
        url_variable="LLAMA_SERVER_URL",
        model_variable="LLAMA_MODEL_NAME",
        needs_key=False,
        local_ports=(8080, 8000),
        owner_marks=("llamacpp", "me"),  # llama-server, python -m llama_cpp.server
        health_path="/health",
        takes_any_model=True,
        takes_schema=True,
    ),
    Endpoint(
        name="ollama",
        title="Ollama",
        base_url="http://127.0.0.1:11434/v1",
        key_variable="OLLAMA_API_KEY",
        url_variable="OLLAMA_BASE_URL",
        needs_key=False,
        local_ports=(11434,),
        owner_marks=("library",),
        context_hint="set OLLAMA_CONTEXT_LENGTH for the server, or num_ctx in the model's Modelfile",
        takes_schema=True,
    ),
    Endpoint(
        name="lmstudio",
        title="LM Studio",
        aliases=("lm-studio",),
        base_url="http://127.0.0.1:1234/v1",
        key_variable="LMSTUDIO_API_KEY",
        url_variable="LMSTUDIO_BASE_URL",
        needs_key=False,
        local_ports=(1234,),
        owner_marks=("organization_owner",),
        context_hint="load the model with a larger context length",
        takes_schema=True,
    ),
)


def find_endpoint(name: str) -> Endpoint | None:
    """Return the row called `name`, by its own name or an alias, whatever the case; None when there is none."""
    wanted = name.strip().lower()
    return next((row for row in ENDPOINTS if wanted == row.name or wanted in row.aliases), None)
