"""Table of all remote services with a key or an address in the settings, one row each, with a column for each use.

Only this table knows vendors by name. The order matters: without `BESEDA_MODEL` the first row with chat that is set up
answers, servers with an address in the settings first. The command line, the documentation and the contract suites are
derived from the table, so a new vendor needs only a new row.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from beseda.core.errors import SettingsError

# How keys of these vendors begin: what looks like one is never repeated in a log.
KEY_PREFIXES = ("sk-", "gsk_", "hf_")

# Its tokens come from another host than its answers.
GIGACHAT_AUTH_URL = "https://ngw.devices.sberbank.ru:9443/api/v2/oauth"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRoute:
    """Chat completions by the OpenAI protocol. Capabilities of models are not among these facts."""

    default_model: str = ""
    """Empty: the first model that the server lists."""
    model_variable: str = ""
    """Names another default model; `<NAME>_MODEL_NAME` does so for every endpoint."""
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


class Wire(StrEnum):
    """How a recogniser of speech is spoken to."""

    OPENAI = "openai"  # a multipart form to /audio/transcriptions
    OPENROUTER = "openrouter"  # JSON with the sound in base64 to the same route
    PLAIN = "plain"  # a multipart form to /transcribe, {"text": …} back


@dataclass(frozen=True, slots=True)
class SpeechLimits:
    """Limits of a recogniser on one request, and on requests in parallel. `max_seconds` is None if unlimited."""

    max_bytes: int = 25_000_000  # Groq's and OpenAI's limit for an attachment, vLLM's default
    max_seconds: float | None = None
    parallel: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechRoute:
    """Recognition of speech. `rank` is the order of preference without `BESEDA_SPEECH`."""

    rank: int = 0
    default_model: str = ""
    """Empty: none is named, and the server takes the one that it has."""
    wire: Wire = Wire.OPENAI
    limits: SpeechLimits = field(default_factory=SpeechLimits)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalServer:
    """How a server on the owner's machines is found and what it needs."""

    ports: tuple[int, ...] = ()
    """Where a server of this kind usually listens."""
    owner_marks: tuple[str, ...] = ()
    """`owned_by` in its list of models, which tells servers on one port apart."""
    health_path: str = ""
    """Asked, at the server's root, whether the model is loaded; a server without it answers 404."""
    context_hint: str = "give the server a larger context"
    """How the owner of a server gives its model a larger context."""
    takes_any_model: bool = False
    """Serves the one model that it has whatever name the request gives."""


_NO_CHAT, _NO_SPEECH = ChatRoute(), SpeechRoute()


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A service: its names, address and key, and a column for each use. `base_url` is empty without a usual address."""

    name: str
    title: str
    key_variable: str
    url_variable: str
    base_url: str = ""
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
    chat: ChatRoute = _NO_CHAT
    speech: SpeechRoute = _NO_SPEECH
    local: LocalServer = LocalServer()

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
        key_page="https://openrouter.ai/settings/keys",
        key_marks=("sk-or-",),
        credit_hint="buy credits at https://openrouter.ai/settings/credits, or take a model whose name ends in :free",
        chat=ChatRoute(
            default_model="deepseek/deepseek-v4-flash",
            headers=MappingProxyType({"X-Title": "Beseda"}),
            check_path="/key",  # its list of models is public and would not notice a wrong key
            takes_schema=True,
        ),
        speech=SpeechRoute(
            rank=5,
            default_model="openai/whisper-large-v3-turbo",
            wire=Wire.OPENROUTER,
            # Its parts are small: the whole body is base64 in JSON, and providers behind it give up after a minute.
            limits=SpeechLimits(max_bytes=6_000_000, max_seconds=600, parallel=4),
        ),
    ),
    Endpoint(
        name="openai",
        title="OpenAI",
        base_url="https://api.openai.com/v1",
        key_variable="OPENAI_API_KEY",
        url_variable="OPENAI_BASE_URL",
        key_page="https://platform.openai.com/api-keys",
        key_marks=("sk-proj-", "sk-svcacct-", "sk-admin-"),
        credit_hint="top up at https://platform.openai.com/settings/organization/billing",
        chat=ChatRoute(default_model="gpt-6-luna", max_tokens_field="max_completion_tokens", takes_schema=True),
        speech=SpeechRoute(
            rank=2,
            default_model="gpt-transcribe",
            # The transcribe family refuses more than 1,500 seconds, whisper-1 does not.
            limits=SpeechLimits(max_seconds=1400, parallel=4),
        ),
    ),
    Endpoint(
        name="groq",
        title="Groq",
        base_url="https://api.groq.com/openai/v1",
        key_variable="GROQ_API_KEY",
        url_variable="GROQ_BASE_URL",
        key_page="https://console.groq.com/keys",
        key_marks=("gsk_",),
        chat=ChatRoute(default_model="openai/gpt-oss-120b", usage_wrapper="x_groq"),
        speech=SpeechRoute(
            rank=1,
            default_model="whisper-large-v3-turbo",
            limits=SpeechLimits(parallel=3),  # 20 requests a minute for free accounts
        ),
    ),
    Endpoint(
        name="hf",
        title="Hugging Face",
        aliases=("huggingface", "hugging-face"),
        base_url="https://router.huggingface.co/v1",
        key_variable="HF_TOKEN",
        url_variable="HF_BASE_URL",
        key_page="https://huggingface.co/settings/tokens (permission: call Inference Providers)",
        key_marks=("hf_",),
        credit_hint="the free credit of a month ($0.10) is spent: buy more at https://huggingface.co/settings/billing",
        chat=ChatRoute(default_model="deepseek-ai/DeepSeek-V4-Flash-0731"),
    ),
    Endpoint(
        name="gigachat",
        title="GigaChat",
        aliases=("giga",),
        base_url="https://api.giga.chat/v1",
        path_elsewhere="/api/v1",  # the older host, still documented: gigachat.devices.sberbank.ru
        key_variable="GIGA_CLIENT_BASIC",
        url_variable="GIGA_API_BASE_URL",
        key_page="https://developers.sber.ru/studio (a project's authorization key)",
        credit_hint="this model's tokens are used up: buy a package at https://developers.sber.ru/studio",
        chat=ChatRoute(
            default_model="GigaChat-2",  # plain `GigaChat` is an alias that may move
            model_variable="GIGA_MODEL_NAME",
            usage_in_stream=False,  # it counts in the last chunk unasked
            takes_user=False,
        ),
    ),
    Endpoint(
        name="deepseek",
        title="DeepSeek",
        base_url="https://api.deepseek.com/v1",
        key_variable="DEEPSEEK_API_KEY",
        url_variable="DEEPSEEK_BASE_URL",
        key_page="https://platform.deepseek.com/api_keys",
        credit_hint="top up at https://platform.deepseek.com/top_up",
        chat=ChatRoute(default_model="deepseek-v4-flash"),
    ),
    Endpoint(
        name="vllm",
        title="vLLM",
        base_url="http://127.0.0.1:8000/v1",
        key_variable="VLLM_API_KEY",
        url_variable="VLLM_BASE_URL",
        needs_key=False,
        chat=ChatRoute(takes_schema=True),
        local=LocalServer(ports=(8000,), owner_marks=("vllm",), health_path="/health"),
    ),
    Endpoint(
        name="llamacpp",
        title="llama.cpp",
        aliases=("llama.cpp", "llama-cpp", "llama"),
        base_url="http://127.0.0.1:8080/v1",
        key_variable="LLAMA_API_KEY",
        url_variable="LLAMA_SERVER_URL",
        needs_key=False,
        chat=ChatRoute(model_variable="LLAMA_MODEL_NAME", takes_schema=True),
        local=LocalServer(
            ports=(8080, 8000),
            owner_marks=("llamacpp", "me"),  # llama-server, python -m llama_cpp.server
            health_path="/health",
            takes_any_model=True,
        ),
    ),
    Endpoint(
        name="ollama",
        title="Ollama",
        base_url="http://127.0.0.1:11434/v1",
        key_variable="OLLAMA_API_KEY",
        url_variable="OLLAMA_BASE_URL",
        needs_key=False,
        chat=ChatRoute(takes_schema=True),
        local=LocalServer(
            ports=(11434,),
            owner_marks=("library",),
            context_hint="set OLLAMA_CONTEXT_LENGTH for the server, or num_ctx in the model's Modelfile",
        ),
    ),
    Endpoint(
        name="lmstudio",
        title="LM Studio",
        aliases=("lm-studio",),
        base_url="http://127.0.0.1:1234/v1",
        key_variable="LMSTUDIO_API_KEY",
        url_variable="LMSTUDIO_BASE_URL",
        needs_key=False,
        chat=ChatRoute(takes_schema=True),
        local=LocalServer(
            ports=(1234,),
            owner_marks=("organization_owner",),
            context_hint="load the model with a larger context length",
        ),
    ),
    # vLLM, speaches, whisper.cpp or llama-server of one's own.
    Endpoint(
        name="asr",
        title="a recogniser with OpenAI's route",
        key_variable="ASR_API_KEY",
        url_variable="ASR_BASE_URL",
        needs_key=False,
        speech=SpeechRoute(rank=3),
    ),
    # A small service of one's own around faster-whisper or the like: it has one route and no list of models.
    Endpoint(
        name="transcribe",
        title="a recogniser with the route /transcribe",
        key_variable="TRANSCRIBE_API_KEY",
        url_variable="TRANSCRIBE_BASE_URL",
        needs_key=False,
        speech=SpeechRoute(rank=4, wire=Wire.PLAIN, limits=SpeechLimits(max_seconds=3600, parallel=1)),
    ),
)
CHAT_ENDPOINTS = tuple(row for row in ENDPOINTS if row.chat is not _NO_CHAT)
_RECOGNISERS = (row for row in ENDPOINTS if row.speech is not _NO_SPEECH)
SPEECH_ENDPOINTS = tuple(sorted(_RECOGNISERS, key=lambda row: row.speech.rank))
"""The endpoints that recognise speech, in the order of preference."""


def find_endpoint(name: str) -> Endpoint | None:
    """Return the row with chat called `name`, by its own name or an alias, whatever the case, or None."""
    wanted = name.strip().lower()
    return next((row for row in CHAT_ENDPOINTS if wanted == row.name or wanted in row.aliases), None)


def check_key(key: str, row: Endpoint, *, at_home: bool) -> str:
    """Return `key` without surrounding white space. Raises SettingsError if it cannot be a key of `row`.

    `at_home` is whether it goes to the endpoint's own address; a proxy may require a key of another vendor.
    """
    key = key.strip()
    if key and (not key.isascii() or not key.isprintable() or " " in key.removeprefix("Basic ")):
        raise SettingsError(f"{row.key_variable}: a key has no spaces, line breaks or letters beyond ASCII")
    owner = find_owner(key)
    if owner is not None and owner is not row and at_home:
        mark = next(mark for mark in owner.key_marks if key.startswith(mark))
        raise SettingsError(
            f"{row.key_variable} holds a key of {owner.title} ({mark}…), which {row.title} does not take: "
            f"move it to {owner.key_variable}"
        )
    return key


def find_owner(key: str) -> Endpoint | None:
    """Return the only endpoint with keys that begin like `key`, or None."""
    return next((row for row in CHAT_ENDPOINTS if row.key_marks and key.startswith(row.key_marks)), None)


def explain_missing_key(row: Endpoint, fallback: str) -> str:
    """Return instructions for an endpoint `row` without its key. `fallback` is a spec that needs no key."""
    servers = ", ".join(local.title for local in CHAT_ENDPOINTS if local.is_local)
    return (
        f"{row.key_variable} is not set, and {row.title} needs it: get a key at {row.key_page}. "
        f"Without any key: start a server on this machine ({servers}), or set BESEDA_MODEL={fallback}"
    )
