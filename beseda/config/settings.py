"""The table of settings.

A field of `Settings` is the whole of a setting: its type, its default and, as a `Setting` beside it, where it is read
from and what to say when it is wrong. The reference page, the example files and the tests are made from these rows.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from beseda.llm.endpoints import ENDPOINTS, GIGACHAT_AUTH_URL, find_endpoint
from beseda.photo.base import DOCUMENTED_IMAGE, DOCUMENTED_SCRIPT, PhotoBackend

DEFAULT_BOT = "assistant"
TELEGRAM_API = "https://api.telegram.org"
BOT_TOKEN_VARIABLES: Mapping[str, str] = {"HF_BOT_TOKEN": "hf_demo"}  # as its document has it


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a setting is read from and what to say about it.

    `path` is its place in config.yaml. `variables` are tried in order. A setting with a `pattern` maps a name to a
    value: `<NAME>_API_KEY` fills the entry `name`; `special` variables fill the entry they are tied to.
    `outranks_flag` turns the usual order round: the variable stands above the command's flag.
    `default` says in words what holds where nothing is set, `example` is a value in YAML: both where the field's own
    default does not tell. A `secret` is never shown and never written literally into config.yaml; of an `address` that
    goes for its password.
    """

    path: str
    description: str
    expects: str
    variables: tuple[str, ...] = ()
    pattern: str = ""
    special: Mapping[str, str] = field(default_factory=dict)
    secret: bool = False
    address: bool = False
    flag: str = ""
    outranks_flag: bool = False
    default: str = ""
    example: str = ""

    @property
    def variable(self) -> str:
        """The name to tell people."""
        return self.variables[0] if self.variables else self.pattern

    def entry(self, variable: str) -> str | None:
        """Return the name of the entry that `variable` fills, or None."""
        if variable in self.special:
            return self.special[variable]
        suffix = self.pattern.partition(">")[2]
        matches = suffix and variable.endswith(suffix) and re.fullmatch(r"[A-Z][A-Z0-9_]*", variable)
        return variable.removesuffix(suffix).lower() if matches and variable != suffix else None


def _split_list(value: object) -> object:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return [value] if isinstance(value, int) else value


def _read_switch(value: object) -> object:
    words = {"on": True, "true": True, "1": True, "yes": True, "off": False, "false": False, "0": False, "no": False}
    return words.get(value.strip().lower(), value) if isinstance(value, str) else value


def _check_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0:  # .port raises beyond 65535
        raise ValueError("not an http address")
    return value.rstrip("/")


def _check_database(value: str) -> str:
    if value and urlsplit(value).scheme.partition("+")[0] not in {"sqlite", "postgresql", "postgres"}:
        raise ValueError("not a database we know")
    return value


def _name_endpoints(value: object) -> object:
    if not isinstance(value, dict):
        return value
    return {row.name if (row := find_endpoint(str(name))) else name: entry for name, entry in value.items()}


def _check_redis(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"redis", "rediss", "unix"} or not (parts.hostname or parts.path):
        raise ValueError("not a Redis")
    return value


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


_Url = Annotated[str, AfterValidator(_check_url)]
_Token = Annotated[str, Field(pattern=r"^[0-9]+:[A-Za-z0-9_-]+$")]
_BotName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
_Models = Annotated[
    tuple[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]*(:\S+)?$")], ...],
    BeforeValidator(_split_list),
]
_MODELS = "`endpoint:model`, or several with commas between, the first that works is used"
_TOKEN = "a token from @BotFather, like 123456789:AAF…"  # noqa: S105 - what a token looks like


class Settings(BaseModel):
    """Everything that can be set, checked. Secrets are left out of its repr; `secrets` lists them for the log."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    default_token: Annotated[
        _Token | None,
        Setting(
            "telegram.token",
            "Token of the first bot of `bots.run` (else of `assistant`).",
            _TOKEN,
            variables=("BOT_TOKEN", "TELEGRAM_TOKEN"),
            secret=True,
            default="none: the bots live in the sandbox",
            example="${BOT_TOKEN}",
        ),
    ] = Field(None, repr=False)
    bot_tokens: Annotated[
        dict[str, _Token],
        Setting(
            "telegram.tokens",
            "Token of one bot, by its name; stands above `BOT_TOKEN`. `HF_BOT_TOKEN` is that of `hf_demo`.",
            _TOKEN,
            pattern="<BOT>_BOT_TOKEN",
            special=BOT_TOKEN_VARIABLES,
            secret=True,
            default="none",
            example='{assistant: "${ASSISTANT_BOT_TOKEN}"}',
        ),
    ] = Field({}, repr=False)
    telegram_api_url: Annotated[
        _Url,
        Setting(
            "telegram.api_url",
            "Another Bot API server: a local one, or a sandbox.",
            "an address like http://127.0.0.1:8081",
            variables=("TELEGRAM_API_URL",),
        ),
    ] = TELEGRAM_API
    bots: Annotated[
        tuple[_BotName, ...],
        BeforeValidator(_split_list),
        Setting(
            "bots.run",
            "Which bots to run.",
            "names of bots with commas between (`beseda bots list` shows them)",
            variables=("BESEDA_BOTS",),
            flag="--bot",
            default="every bot that has a token; in the sandbox every bot",
            example="[assistant]",
        ),
    ] = ()
    bots_dir: Annotated[
        Path,
        Setting("bots.dir", "Folder with bots of your own.", "a folder", variables=("BESEDA_BOTS_DIR",)),
    ] = Path("bots")
    admin_ids: Annotated[
        frozenset[int],
        BeforeValidator(_split_list),
        Setting(
            "bots.admin_ids",
            "Telegram ids of the people who own the bots; where set, `assistant` answers them only.",
            "whole numbers with commas between (@userinfobot tells yours)",
            variables=("ADMIN_IDS",),
            default="everybody may write",
            example="[123456789]",
        ),
    ] = frozenset()
    language: Annotated[
        Literal["ru", "en"],
        BeforeValidator(_lower),
        Setting(
            "bots.language",
            "Language of a user whose own is unknown.",
            "`ru` or `en`",
            variables=("BESEDA_LANG",),
        ),
    ] = "ru"
    limits: Annotated[
        bool,
        BeforeValidator(_read_switch),
        Setting(
            "bots.limits",
            "Limits on how fast one user may write; `off` is for load tests.",
            "`on` or `off`",
            variables=("BESEDA_LIMITS",),
            default="on",
        ),
    ] = True
    model: Annotated[
        _Models,
        Setting(
            "models.chat",
            "The model that answers, as `endpoint:model`, or an ordered list: the next one steps in when one fails.",
            _MODELS,
            variables=("BESEDA_MODEL",),
            default="the first endpoint that has a key, then a server found on this machine, then the demo model",
            example="[openrouter:deepseek/deepseek-v4-flash, groq:openai/gpt-oss-120b]",
        ),
    ] = ()
    speech: Annotated[
        _Models,
        Setting(
            "models.speech",
            "The recogniser of voice messages, written like `models.chat`.",
            _MODELS,
            variables=("BESEDA_SPEECH",),
            default="the first endpoint for speech that is configured",
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
            special={row.key_variable: row.name for row in ENDPOINTS},
            secret=True,
            default="none",
            example='{openrouter: "${OPENROUTER_API_KEY}"}',
        ),
    ] = Field({}, repr=False)
    base_urls: Annotated[
        dict[str, _Url],
        BeforeValidator(_name_endpoints),
        Setting(
            "models.base_urls",
            "Address of an endpoint, by its name: a server of your own, or a proxy before a public one.",
            "an address like http://127.0.0.1:8000/v1",
            pattern="<ENDPOINT>_BASE_URL",
            special={row.url_variable: row.name for row in ENDPOINTS},
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
            special={row.model_variable: row.name for row in ENDPOINTS if row.model_variable},
            default="the endpoint's own",
            example="{gigachat: GigaChat-2-Max}",
        ),
    ] = {}
    prices: Annotated[
        tuple[str, ...],
        BeforeValidator(_split_list),
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
        BeforeValidator(_split_list),
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
    giga_auth_url: Annotated[
        _Url,
        Setting(
            "gigachat.auth_url",
            "Where GigaChat's tokens come from.",
            "an address like https://ngw.devices.sberbank.ru:9443/api/v2/oauth",
            variables=("GIGA_AUTH_URL",),
        ),
    ] = GIGACHAT_AUTH_URL
    giga_scope: Annotated[
        Literal["GIGACHAT_API_PERS", "GIGACHAT_API_B2B", "GIGACHAT_API_CORP"],
        Setting(
            "gigachat.scope",
            "Whose key it is: a person's, a company's with prepaid tokens, a company's that pays by use.",
            "`GIGACHAT_API_PERS`, `GIGACHAT_API_B2B` or `GIGACHAT_API_CORP`",
            variables=("GIGA_SCOPE",),
        ),
    ] = "GIGACHAT_API_PERS"
    giga_streams: Annotated[
        Annotated[int, Field(ge=0, le=1000)],
        Setting(
            "gigachat.streams",
            "How many answers GigaChat makes at once for the key; others wait in line. 0 is as many as the scope has.",
            "a number from 0 to 1000",
            variables=("GIGA_STREAMS",),
            default="1 for a person, 10 for a company",
            example="10",
        ),
    ] = 0
    giga_verify_ssl: Annotated[
        bool,
        BeforeValidator(_read_switch),
        Setting(
            "gigachat.verify_ssl",
            "Whether GigaChat's certificate is checked. `false` sends the key to whoever answers: use the bundle.",
            "`true` or `false`",
            variables=("GIGA_VERIFY_SSL",),
            default="true",
        ),
    ] = True
    giga_ca_bundle: Annotated[
        Path | None,
        Setting(
            "gigachat.ca_bundle",
            "File with the Russian Trusted Root CA in PEM (https://www.gosuslugi.ru/crt), which signs GigaChat.",
            "a file",
            variables=("GIGA_CA_BUNDLE",),
            default="none: the system's authorities",
            example="russian_trusted_root_ca.pem",
        ),
    ] = None
    photo: Annotated[
        tuple[PhotoBackend, ...],
        BeforeValidator(_split_list),
        Setting(
            "photo.backends",
            "What enhances photos, or an ordered list: the next one steps in when one fails.",
            f"{', '.join(f'`{name}`' for name in get_args(PhotoBackend))} with commas between",
            variables=("BESEDA_PHOTO",),
            flag="--backend",
            default="`basic`, which needs nothing else",
            example="[gfpgan_http, basic]",
        ),
    ] = ("basic",)
    gfpgan_url: Annotated[
        _Url | None,
        Setting(
            "photo.gfpgan_url",
            "Address of the GFPGAN server of `deploy/gfpgan`, for `gfpgan_http`.",
            "an address like http://127.0.0.1:8010",
            variables=("GFPGAN_URL",),
            default="none",
            example="http://127.0.0.1:8010",
        ),
    ] = None
    gfpgan_docker_image: Annotated[
        Annotated[str, Field(pattern=r"^[a-z0-9][\w.:/@-]*$")],
        Setting(
            "photo.gfpgan_docker_image",
            "Image with GFPGAN's script, for `gfpgan_docker`. The default is the documented one, and no such script is "
            "in it: build `deploy/gfpgan`.",
            "the name of an image like beseda-gfpgan:1",
            variables=("GFPGAN_DOCKER_IMAGE",),
        ),
    ] = DOCUMENTED_IMAGE
    gfpgan_script_path: Annotated[
        Annotated[str, Field(pattern=r"^/\S+$")],
        Setting(
            "photo.gfpgan_script_path",
            "Where the script is in that image.",
            "an absolute path in the container",
            variables=("GFPGAN_SCRIPT_PATH",),
        ),
    ] = DOCUMENTED_SCRIPT
    storage_dir: Annotated[
        Path,
        Setting("storage.dir", "Folder for the database and files.", "a folder", variables=("STORAGE_DIR",)),
    ] = Path("data")
    database_url: Annotated[
        str,
        AfterValidator(_check_database),
        Setting(
            "storage.database_url",
            "The database of record.",
            "an address like postgresql://beseda:…@127.0.0.1/beseda or sqlite:///data/beseda.db",
            variables=("DATABASE_URL",),
            address=True,
            default="SQLite: `beseda.db` in the storage folder",
            example="postgresql://beseda:${POSTGRES_PASSWORD}@127.0.0.1/beseda",
        ),
    ] = Field("", repr=False)
    redis_url: Annotated[
        Annotated[str, AfterValidator(_check_redis)] | None,
        Setting(
            "storage.redis_url",
            "Redis for hot history, state, cache and limits; needed when several processes serve the same bots.",
            "an address like redis://127.0.0.1:6379/0",
            variables=("REDIS_URL",),
            address=True,
            default="none: they live in this process",
            example="redis://127.0.0.1:6379/0",
        ),
    ] = Field(None, repr=False)
    keep_days: Annotated[
        Annotated[int, Field(ge=0, le=36_500)],
        Setting(
            "storage.keep_days",
            "How many days files of people are kept; 0 keeps them until their owner deletes them.",
            "a whole number of days from 0 to 36500",
            variables=("BESEDA_KEEP_DAYS",),
            default="0: for good",
            example="90",
        ),
    ] = 0
    temp_budget: Annotated[
        Annotated[int, Field(ge=64, le=1_000_000)],
        Setting(
            "storage.temp_budget",
            "How much of the disk work in progress (recordings, photos) may take at once, in MiB.",
            "a number of MiB from 64 to 1000000",
            variables=("BESEDA_TEMP_BUDGET",),
        ),
    ] = 2048
    job_slots: Annotated[
        tuple[Annotated[str, Field(pattern=r"^(heavy|speech|text)=([1-9]|[1-5][0-9]|6[0-4])$")], ...],
        BeforeValidator(_split_list),
        Setting(
            "jobs.slots",
            "How many jobs run at once: `heavy` (photos), `speech` (recordings), `text` (documents); others wait.",
            "entries like speech=2 with commas between, each from 1 to 64",
            variables=("BESEDA_JOB_SLOTS",),
            default="heavy=1, speech=2, text=4",
            example="[heavy=2, speech=4]",
        ),
    ] = ()
    chat_memory_file: Annotated[
        Path,
        Setting(
            "chat.memory_file",
            "Where `beseda chat` keeps its conversations; the variable stands above the flag.",
            "a file",
            variables=("CHAT_MEMORY_FILE",),
            flag="--memory-file",
            outranks_flag=True,
        ),
    ] = Path(".chat_memory.json")
    chat_memory_list_limit: Annotated[
        Annotated[int, Field(ge=0, le=1000)],
        Setting(
            "chat.memory_list_limit",
            "How many conversations `beseda chat` offers at its start; the variable stands above the flag.",
            "a whole number from 0 to 1000",
            variables=("CHAT_MEMORY_LIST_LIMIT",),
            flag="--session-list-limit",
            outranks_flag=True,
        ),
    ] = 5
    host: Annotated[
        Annotated[str, Field(pattern=r"^[A-Za-z0-9.:_-]+$")],
        Setting(
            "web.host",
            "Address the web listens on; anything but loopback opens it to the network.",
            "an address of this machine like 127.0.0.1",
            variables=("BESEDA_HOST",),
        ),
    ] = "127.0.0.1"
    port: Annotated[
        Annotated[int, Field(ge=0, le=65535)],
        Setting(
            "web.port",
            "Port of the web; 0 lets the system choose one.",
            "a port number from 0 to 65535",
            variables=("BESEDA_PORT",),
        ),
    ] = 8090
    public_url: Annotated[
        _Url | None,
        Setting(
            "web.public_url",
            "Address under which Telegram reaches this machine; with `web.webhook_secret` bots take webhooks.",
            "an address like https://bots.example.org",
            variables=("BESEDA_PUBLIC_URL",),
            default="none: bots poll",
            example="https://bots.example.org",
        ),
    ] = None
    # Telegram's own alphabet and length: https://core.telegram.org/bots/api#setwebhook
    webhook_secret: Annotated[
        Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,256}$")] | None,
        Setting(
            "web.webhook_secret",
            "What Telegram repeats with each webhook, so that nobody else can send one.",
            "1 to 256 letters, digits, - or _ "
            "(python3 -c 'import secrets; print(secrets.token_urlsafe(32))' makes one)",
            variables=("BESEDA_WEBHOOK_SECRET",),
            secret=True,
            default="none",
            example="${BESEDA_WEBHOOK_SECRET}",
        ),
    ] = Field(None, repr=False)
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        BeforeValidator(_lower),
        Setting(
            "log.level",
            "How much the log tells.",
            "`debug`, `info`, `warning` or `error`",
            variables=("BESEDA_LOG_LEVEL", "LOG_LEVEL"),
        ),
    ] = "info"
    log_format: Annotated[
        Literal["text", "json"],
        BeforeValidator(_lower),
        Setting(
            "log.format",
            "Lines for people, or one JSON object a line for a log collector.",
            "`text` or `json`",
            variables=("BESEDA_LOG_FORMAT",),
        ),
    ] = "text"

    def bot_token(self, name: str) -> str | None:
        """Return the token of the bot `name`: its own, else `BOT_TOKEN` where that one is meant for it."""
        own = self.bot_tokens.get(name.replace("-", "_"), self.bot_tokens.get(name))
        first = self.bots[0] if self.bots else DEFAULT_BOT
        return own or (self.default_token if name == first else None)

    def database(self) -> str:
        """Return the address of the database, the default filled in."""
        return self.database_url or f"sqlite:///{self.storage_dir / 'beseda.db'}"

    def slots(self) -> dict[str, int]:
        """Return how wide each slot for jobs is, the defaults filled in."""
        given = (entry.partition("=") for entry in self.job_slots)
        return {"heavy": 1, "speech": 2, "text": 4} | {name: int(width) for name, _, width in given}

    def secrets(self) -> frozenset[str]:
        """Return every value that must never reach a log."""
        values = {self.default_token, self.webhook_secret, *self.bot_tokens.values(), *self.api_keys.values()}
        addresses = [self.database_url, self.redis_url or "", *self.base_urls.values()]
        return frozenset(filter(None, values | {urlsplit(address).password for address in addresses}))


def list_settings() -> Mapping[str, Setting]:
    """Return every setting by the name of its field, in the order of the reference page."""
    return {
        name: next(item for item in info.metadata if isinstance(item, Setting))
        for name, info in Settings.model_fields.items()
    }
