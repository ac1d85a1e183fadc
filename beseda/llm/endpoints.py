"""Every OpenAI-compatible endpoint, one row each. This table is the only place that knows vendors by name.

The order matters: without `BESEDA_MODEL` the first row that is set up answers. The command line, the documentation
and the contract suite are derived from the table, so a new vendor is a new row and nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

# How keys of these vendors begin: what looks like one is never repeated in a log.
KEY_PREFIXES = ("sk-", "gsk_", "hf_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Facts about one endpoint of the OpenAI wire; what a model can do is not among them."""

    name: str
    title: str
    base_url: str
    key_variable: str
    url_variable: str
    default_model: str = ""
    """Empty: the first model that the server lists."""
    aliases: tuple[str, ...] = ()
    needs_key: bool = True
    key_page: str = ""
    """Where a person gets a key."""
    local_ports: tuple[int, ...] = ()
    """Where a server of this kind usually listens on one's own machine."""
    owner_mark: str = ""
    """`owned_by` in its list of models, which tells servers on one port apart."""
    headers: Mapping[str, str] = field(default_factory=dict)
    usage_in_stream: bool = True
    """Takes `stream_options.include_usage`."""
    usage_wrapper: str = ""
    """A field of the last chunk that holds `usage` where the chunk itself has none."""
    max_tokens_field: str = "max_tokens"
    check_path: str = "/models"
    """Asked, under the base URL, whether the key is good."""
    health_path: str = ""
    """Asked, at the server's root, whether the model is loaded; a server without it answers 404."""
    takes_any_model: bool = False
    """Serves the one model that it has whatever name the request gives."""

    @property
    def is_local(self) -> bool:
        """Whether this is a server of one's own rather than a company's."""
        return not self.needs_key


# OpenRouter's slugs, DeepSeek's names, the HF mapping, OpenAI's shut-down dates: as published in autumn 2026.
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
        headers=MappingProxyType({"X-Title": "Beseda"}),
        check_path="/key",  # its list of models is public and would not notice a wrong key
    ),
    Endpoint(
        name="openai",
        title="OpenAI",
        base_url="https://api.openai.com/v1",
        key_variable="OPENAI_API_KEY",
        url_variable="OPENAI_BASE_URL",
        default_model="gpt-6-luna",
        key_page="https://platform.openai.com/api-keys",
        max_tokens_field="max_completion_tokens",
    ),
    Endpoint(
        name="groq",
        title="Groq",
        base_url="https://api.groq.com/openai/v1",
        key_variable="GROQ_API_KEY",
        url_variable="GROQ_BASE_URL",
        default_model="openai/gpt-oss-120b",
        key_page="https://console.groq.com/keys",
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
    ),
    Endpoint(
        name="deepseek",
        title="DeepSeek",
        base_url="https://api.deepseek.com/v1",
        key_variable="DEEPSEEK_API_KEY",
        url_variable="DEEPSEEK_BASE_URL",
        default_model="deepseek-v4-flash",
        key_page="https://platform.deepseek.com/api_keys",
    ),
    Endpoint(
        name="vllm",
        title="vLLM",
        base_url="http://127.0.0.1:8000/v1",
        key_variable="VLLM_API_KEY",
        url_variable="VLLM_BASE_URL",
        needs_key=False,
        local_ports=(8000,),
        owner_mark="vllm",
        health_path="/health",
    ),
    Endpoint(
        name="llamacpp",
        title="llama.cpp",
        aliases=("llama.cpp", "llama-cpp", "llama"),
        base_url="http://127.0.0.1:8080/v1",
        key_variable="LLAMA_API_KEY",
        url_variable="LLAMA_SERVER_URL",
        needs_key=False,
        local_ports=(8080, 8000),
        owner_mark="llamacpp",
        health_path="/health",
        takes_any_model=True,
    ),
    Endpoint(
        name="ollama",
        title="Ollama",
        base_url="http://127.0.0.1:11434/v1",
        key_variable="OLLAMA_API_KEY",
        url_variable="OLLAMA_BASE_URL",
        needs_key=False,
        local_ports=(11434,),
        owner_mark="library",
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
        owner_mark="organization_owner",
    ),
)


def find_endpoint(name: str) -> Endpoint | None:
    """Return the row called `name`, by its own name or an alias, whatever the case; None when there is none."""
    wanted = name.strip().lower()
    return next((row for row in ENDPOINTS if wanted == row.name or wanted in row.aliases), None)
