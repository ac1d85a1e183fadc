"""Construction of models from settings. Only this module knows all implementations.

A model is addressed as `endpoint:model`; a comma-separated list is an order of preference. Settings come as values:
nothing here reads the environment.
"""

import asyncio
import difflib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from yarl import URL

from beseda.core.clock import Clock
from beseda.core.errors import SettingsError
from beseda.http.client import HttpClient
from beseda.http.endpoints import CHAT_ENDPOINTS, Endpoint, check_key, explain_missing_key, find_endpoint
from beseda.http.proxies import find_proxy, is_near
from beseda.llm import demo
from beseda.llm.base import ChatModel, ModelEvent, ModelHealth, ModelRequest, ModelWrapper, Timeouts
from beseda.llm.discovery import find_local_servers, list_usual_addresses
from beseda.llm.failover import FailoverModel, RetryPolicy
from beseda.llm.gigachat import GigaChatSettings, build_gigachat
from beseda.llm.guard import AnswerGuard, GuardLimits
from beseda.llm.huggingface import HuggingFaceModel, Shelf, find_catalogue, read_aliases
from beseda.llm.llamacpp import build_llamacpp
from beseda.llm.local_server import read_record
from beseda.llm.ollama import build_ollama
from beseda.llm.openai_compatible import Connection, OpenAICompatibleModel
from beseda.llm.prices import PriceBook, PriceObserver
from beseda.llm.vllm import build_vllm

logger = logging.getLogger(__name__)

_SHORT_NAMES = "hf"  # the endpoint whose models have names of one word
_LOOK_AGAIN_SECONDS = 2.0  # between two looks for a server that was not there at the start
_GREETING_SECONDS = 1.5  # a start waits no longer for a server of one's own


@dataclass(frozen=True, slots=True, kw_only=True)
class LLMSettings:
    """All settings of models. Keys, base URLs and names of models are by endpoint name.

    `model` is the spec; if it is empty, a model is chosen automatically. `local_servers` are the addresses to search
    for servers: None for the usual ports of this machine, empty to search none. `models_folder` holds the record of a
    server that was started here. `prices` are entries like `hf:maker/model=0.14/0.28`, `aliases` like
    `qwen2=maker/model|maker/other`. `llama_context` is in tokens, 0 if not set: it limits the size that a llama.cpp
    server reports and replaces a missing one.
    """

    model: str = ""
    api_keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    base_urls: Mapping[str, str] = field(default_factory=dict)
    model_names: Mapping[str, str] = field(default_factory=dict)
    prices: Sequence[str] = ()
    aliases: Sequence[str] = ()
    gigachat: GigaChatSettings = field(default_factory=GigaChatSettings)
    llama_context: int = 0
    local_servers: Sequence[str] | None = None
    models_folder: Path | None = None
    language: str = "ru"
    timeouts: Timeouts = field(default_factory=Timeouts)
    retries: RetryPolicy = field(default_factory=RetryPolicy)
    limits: GuardLimits = field(default_factory=GuardLimits)


class ModelAddress(NamedTuple):
    """One entry of a spec; an empty model is the endpoint's default."""

    endpoint: str
    model: str


class BuildContext(NamedTuple):
    """Dependencies for building a model."""

    settings: LLMSettings
    clock: Clock
    http: HttpClient


def _build_huggingface(connection: Connection, context: BuildContext) -> ChatModel:
    settings = context.settings
    catalogue = find_catalogue(connection.base_url, context.clock)
    shelf = Shelf(catalogue, read_aliases(settings.aliases), PriceBook(settings.prices))
    return HuggingFaceModel(connection, context.http, settings.timeouts, shelf)


# Whatever is no endpoint of the table: a name, and how such a model is built.
_OTHER_WIRES: Mapping[str, Callable[[ModelAddress, BuildContext], ChatModel]] = {
    demo.ENDPOINT_NAME: lambda _, context: demo.DemoModel(context.clock, language=context.settings.language)
}
# Endpoints with ways of their own; all others speak the wire as their row says.
_OWN_WAYS: Mapping[str, Callable[[Connection, BuildContext], ChatModel]] = {
    "gigachat": lambda connection, context: build_gigachat(
        connection, context.http, context.settings.timeouts, context.settings.gigachat, context.clock
    ),
    "hf": _build_huggingface,
    "llamacpp": lambda connection, context: build_llamacpp(
        *(connection, context.http, context.settings.timeouts, context.clock), context=context.settings.llama_context
    ),
    "ollama": lambda connection, context: build_ollama(
        connection, context.http, context.settings.timeouts, context.clock
    ),
    "vllm": lambda connection, context: build_vllm(connection, context.http, context.settings.timeouts, context.clock),
}


def build_wire(connection: Connection, context: BuildContext) -> ChatModel:
    """Return the model of one endpoint without guard and failover. Raises SettingsError."""
    build = _OWN_WAYS.get(connection.endpoint.name)
    if build is not None:
        return build(connection, context)
    return OpenAICompatibleModel(connection, context.http, context.settings.timeouts)


def list_endpoint_names() -> list[str]:
    """Return the names that a spec may begin with."""
    return [row.name for row in CHAT_ENDPOINTS] + list(_OTHER_WIRES)


def read_variables(variables: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return keys and base URLs by endpoint name, found in `variables` under the names that the table gives."""
    keys = {row.name: value for row in CHAT_ENDPOINTS if (value := variables.get(row.key_variable, "").strip())}
    urls = {row.name: value for row in CHAT_ENDPOINTS if (value := variables.get(row.url_variable, "").strip())}
    return keys, urls


def parse_spec(spec: str | Sequence[str], settings: LLMSettings | None = None) -> list[ModelAddress]:
    """Return the entries of `spec`. `settings` contain the owner's short names and the configured endpoints.

    A short name of Hugging Face is written alone (`llama3`). `deepseek`, which is also the name of an endpoint, is that
    endpoint if it is set up. Raises SettingsError for an unknown endpoint.
    """
    settings = settings or LLMSettings()
    entries = spec.split(",") if isinstance(spec, str) else [part for entry in spec for part in entry.split(",")]
    return [_parse_entry(entry.strip(), settings) for entry in entries if entry.strip()]


def build_model(spec: str | Sequence[str], settings: LLMSettings, clock: Clock, http: HttpClient) -> ChatModel:
    """Return the models of `spec` as one, guarded and with failover. Raises SettingsError."""
    addresses = parse_spec(spec, settings)
    if not addresses:
        raise SettingsError(
            f"no model is named (--model, BESEDA_MODEL); write endpoint:model, where endpoint is {_list_known()}"
        )
    context = BuildContext(settings, clock, http)
    return _assemble([_build_one(address, context) for address in addresses], context)


def _assemble(wires: Sequence[ChatModel], context: BuildContext) -> ChatModel:
    """Return several models as one: priced if the settings have prices, guarded, with failover."""
    settings = context.settings
    book = PriceBook(settings.prices)
    price, guard = partial(PriceObserver, book=book), partial(AnswerGuard, limits=settings.limits)
    observers = (price, guard) if book else (guard,)
    return FailoverModel(wires, context.clock, _choose_policy(wires, settings.retries), observers=observers)


def _choose_policy(wires: Sequence[ChatModel], policy: RetryPolicy) -> RetryPolicy:
    """Return the retry policy for `wires`.

    The circuit breaker of a single local server never pauses: the server may be back, and a refused connection costs
    nothing, while a pause would be an outage of our making.
    """
    row = find_endpoint(wires[0].name.partition(":")[0])
    if len(wires) == 1 and row is not None and row.is_local:
        return replace(policy, breaker=replace(policy.breaker, pause=0.0))
    return policy


def list_configured(settings: LLMSettings) -> list[Endpoint]:
    """Return the configured endpoints: those with a key if they need one, else with an address.

    Servers with an address set by the owner come before those with a key alone, so that messages stay on the owner's
    machines although a key is set for another endpoint.
    """
    found = [
        row for row in CHAT_ENDPOINTS if (settings.api_keys if row.needs_key else settings.base_urls).get(row.name)
    ]
    return sorted(found, key=lambda row: not _is_own(row, settings.base_urls.get(row.name, "")))


def _is_own(row: Endpoint, url: str) -> bool:
    """Return whether `url` is a server of the owner rather than another address of the vendor."""
    host = urlsplit(url if "://" in url else f"//{url}").hostname or ""
    return bool(host) and (row.is_local or is_near(host))


async def choose_model(settings: LLMSettings, clock: Clock, http: HttpClient) -> ChatModel:
    """Return the model to use, guarded and with failover.

    The order: the spec; the first endpoint that is set up, servers with an address set by the owner before keys; a
    server found on this machine; the demo. Only the first endpoint is used, so that no message goes to a second company
    without the owner's choice. Raises SettingsError.
    """
    configured = list_configured(settings)
    if spec := settings.model.strip() or (configured[0].name if configured else ""):
        model = build_model(spec, settings, clock, http)
        await _greet_local(parse_spec(spec, settings), model)
        return model
    context = BuildContext(settings, clock, http)
    if found := await _find_here(context):
        return found
    return AwaitedModel(build_model(demo.ENDPOINT_NAME, settings, clock, http), lambda: _find_here(context), clock)


async def _find_here(context: BuildContext) -> ChatModel | None:
    """Return the model of the first server that answers on this machine, or None."""
    settings = context.settings
    for server in await find_local_servers(context.http, list_local_addresses(settings)):
        logger.debug("found %s at %s with the model %s", server.endpoint.title, server.base_url, server.model)
        row = server.endpoint
        key = check_key(settings.api_keys.get(row.name, ""), row, at_home=False)
        connection = Connection(endpoint=row, base_url=server.base_url, model=server.model, api_key=key)
        return _assemble([build_wire(connection, context)], context)
    return None


def list_local_addresses(settings: LLMSettings) -> list[str]:
    """Return the addresses to search for servers: the one that was started here, then the usual ports."""
    usual = list_usual_addresses() if settings.local_servers is None else list(settings.local_servers)
    started = read_record(settings.models_folder) if settings.models_folder is not None else None
    return [started.base_url, *usual] if started is not None else usual


class AwaitedModel(ModelWrapper):
    """A substitute until a server is found on this machine, then the model of that server, without a restart."""

    def __init__(self, stand_in: ChatModel, find: Callable[[], Awaitable[ChatModel | None]], clock: Clock) -> None:
        super().__init__(stand_in)
        self._find = find
        self._clock = clock
        self._found = False
        self._looked = clock.monotonic()

    async def prepare(self) -> None:
        """Search for a server, at most once in two seconds, until one is found."""
        now = self._clock.monotonic()
        if self._found or now - self._looked < _LOOK_AGAIN_SECONDS:
            return
        self._looked = now
        if found := await self._find():
            self._found, self._model = True, found

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Yield the answer of the server if one is found, else of the substitute. Raises a leaf of RemoteError."""
        return self._model.stream(request) if self._found else self._search_and_stream(request)

    async def _search_and_stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        await self.prepare()
        async with aclosing(self._model.stream(request)) as events:
            async for event in events:
                yield event


async def _greet_local(addresses: Sequence[ModelAddress], model: ChatModel) -> None:
    """Log a warning at the start if a local server does not answer or is still loading.

    This is no error, since the server may start later. Nothing is queried if one of the addresses is not a local
    server.
    """
    rows = [find_endpoint(address.endpoint) for address in addresses]
    if not all(row is not None and row.is_local for row in rows):
        return  # nobody else is asked before there is a question
    try:
        async with asyncio.timeout(_GREETING_SECONDS):
            health = await model.check()
    except TimeoutError:
        health = ModelHealth(ok=False, detail=f"{model.name}: silent for {_GREETING_SECONDS:g} s")
    if health.loading:
        logger.warning("the model is still loading, answers come once it is ready: %s", health.detail)
    elif not health.ok:
        logger.warning("the model server is not there; it will be asked again at each message: %s", health.detail)


def mend_base_url(url: str, endpoint: Endpoint) -> str:
    """Return `url` as the base of the API, with `/v1` added or the rest of the route removed.

    Raises SettingsError if it is no address of a web server.
    """
    text = url.strip()
    if "://" not in text:
        text = f"http://{text}"
    try:
        parsed = URL(text)
    except ValueError:
        parsed = URL("")
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.query_string:
        raise SettingsError(f"{endpoint.url_variable}: not an address like {endpoint.base_url}")
    if parsed.user is not None:
        raise SettingsError(f"{endpoint.url_variable}: a name or password in the address; use {endpoint.key_variable}")
    path = parsed.path.rstrip("/").removesuffix("/chat/completions").removesuffix("/models")
    home = URL(endpoint.base_url)
    usual = home.path if parsed.host == home.host else endpoint.path_elsewhere or home.path
    return str(parsed.with_path(path or usual))


def _parse_entry(entry: str, settings: LLMSettings) -> ModelAddress:
    name, colon, model = entry.partition(":")
    row = find_endpoint(name)
    if not colon and _is_short_name(name.lower(), row, settings):
        return ModelAddress(_SHORT_NAMES, name.lower())
    if row is not None:
        return ModelAddress(row.name, model.strip())
    if name.lower() in _OTHER_WIRES:
        return ModelAddress(name.lower(), model.strip())
    short = read_aliases(settings.aliases)
    near = difflib.get_close_matches(name.lower(), [*list_endpoint_names(), *short], n=1, cutoff=0.7)
    hint = f", did you mean {near[0]}" if near else ""
    raise SettingsError(
        f"there is no model endpoint {name!r}{hint}; known are {_list_known()}, "
        f"and the short names {', '.join(short)} of Hugging Face"
    )


def _is_short_name(name: str, row: Endpoint | None, settings: LLMSettings) -> bool:
    """Return whether a name without a colon is a short name of Hugging Face's rather than the endpoint `row`."""
    if name not in read_aliases(settings.aliases):
        return False
    ready = {each.name for each in list_configured(settings)}
    return row is None or (row.name not in ready and _SHORT_NAMES in ready)


def _build_one(address: ModelAddress, context: BuildContext) -> ChatModel:
    if (row := find_endpoint(address.endpoint)) is None:
        return _OTHER_WIRES[address.endpoint](address, context)
    settings = context.settings
    url = settings.base_urls.get(row.name, "")
    key = check_key(settings.api_keys.get(row.name, ""), row, at_home=not url)
    if row.needs_key and not key:
        raise SettingsError(explain_missing_key(row, demo.ENDPOINT_NAME))
    connection = Connection(
        endpoint=row,
        base_url=mend_base_url(url, row) if url else row.base_url,
        model=address.model or settings.model_names.get(row.name, "") or row.chat.default_model,
        api_key=key,
    )
    find_proxy(connection.base_url)  # one that cannot be used is a wrong setting of the start, not of a question
    return build_wire(connection, context)


def _list_known() -> str:
    return ", ".join(list_endpoint_names())
