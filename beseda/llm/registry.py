"""From settings to a model: the only place that knows which wires there are.

A model is addressed as `endpoint:model`; a comma-separated list is an order of preference. Settings come as values:
nothing here reads the environment.
"""

import difflib
import logging
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from yarl import URL

from beseda.errors import SettingsError
from beseda.kit.clock import Clock
from beseda.llm import demo
from beseda.llm.base import ChatModel, ModelEvent, ModelHealth, ModelRequest
from beseda.llm.discovery import find_local_servers
from beseda.llm.endpoints import ENDPOINTS, Endpoint, find_endpoint
from beseda.llm.failover import FailoverModel, RetryPolicy
from beseda.llm.guard import GuardedModel, GuardLimits
from beseda.llm.http import HttpClient, Timeouts
from beseda.llm.openai_compatible import Connection, OpenAICompatibleModel

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LLMSettings:
    """Everything that a model needs to know. Keys and base URLs are by endpoint name.

    `model` is the spec, empty for "whatever is there". `local_servers` are the addresses to look for servers at: None
    for the usual ports of this machine, empty for nowhere.
    """

    model: str = ""
    api_keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    base_urls: Mapping[str, str] = field(default_factory=dict)
    local_servers: Sequence[str] | None = None
    language: str = "ru"
    timeouts: Timeouts = field(default_factory=Timeouts)
    retries: RetryPolicy = field(default_factory=RetryPolicy)
    limits: GuardLimits = field(default_factory=GuardLimits)


class ModelAddress(NamedTuple):
    """One entry of a spec; an empty model is the endpoint's default."""

    endpoint: str
    model: str


class Surroundings(NamedTuple):
    """What a wire is built with."""

    settings: LLMSettings
    clock: Clock
    http: HttpClient


def _build_demo(_: ModelAddress, around: Surroundings) -> ChatModel:
    return demo.DemoModel(around.clock, language=around.settings.language)


# Whatever does not speak the OpenAI wire: a name, and how such a model is built.
_OTHER_WIRES: Mapping[str, Callable[[ModelAddress, Surroundings], ChatModel]] = {demo.ENDPOINT_NAME: _build_demo}


def list_endpoint_names() -> list[str]:
    """Return the names that a spec may begin with."""
    return [row.name for row in ENDPOINTS] + list(_OTHER_WIRES)


def read_variables(variables: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return keys and base URLs by endpoint name, found in `variables` under the names that the table gives."""
    keys = {row.name: value for row in ENDPOINTS if (value := variables.get(row.key_variable, "").strip())}
    urls = {row.name: value for row in ENDPOINTS if (value := variables.get(row.url_variable, "").strip())}
    return keys, urls


def parse_spec(spec: str | Sequence[str]) -> list[ModelAddress]:
    """Return the entries of `spec`. Raises SettingsError for an endpoint that does not exist."""
    entries = spec.split(",") if isinstance(spec, str) else [part for entry in spec for part in entry.split(",")]
    return [_parse_entry(entry.strip()) for entry in entries if entry.strip()]


def build_model(spec: str | Sequence[str], settings: LLMSettings, clock: Clock, http: HttpClient) -> ChatModel:
    """Return the models of `spec`, guarded, as one that falls over to the next. Raises SettingsError."""
    addresses = parse_spec(spec)
    if not addresses:
        raise SettingsError(f"BESEDA_MODEL is empty; write endpoint:model, where endpoint is {_list_known()}")
    around = Surroundings(settings, clock, http)
    models = [GuardedModel(_build_one(address, around), settings.limits) for address in addresses]
    return FailoverModel(models, clock, settings.retries)


def list_configured(settings: LLMSettings) -> list[Endpoint]:
    """Return the endpoints that are set up: a key where one is needed, an address for a server of one's own."""
    return [row for row in ENDPOINTS if (settings.api_keys if row.needs_key else settings.base_urls).get(row.name)]


async def choose_model(settings: LLMSettings, clock: Clock, http: HttpClient | None = None) -> ChatModel:
    """Return the model to talk to, guarded and with failover.

    The spec where there is one; else the first endpoint that is set up (the first alone: nobody's words go to a second
    company unasked); else a server found on this machine; else the demo. Closing the model closes the connections
    too, unless they came as `http`. Raises SettingsError.
    """
    owned = http is None
    client = HttpClient() if http is None else http
    try:
        model = await _choose(settings, clock, client)
    except BaseException:
        if owned:
            await client.close()
        raise
    return _OwningModel(model, client) if owned else model


async def _choose(settings: LLMSettings, clock: Clock, http: HttpClient) -> ChatModel:
    if settings.model.strip():
        return build_model(settings.model, settings, clock, http)
    if configured := list_configured(settings):
        return build_model(configured[0].name, settings, clock, http)
    for server in await find_local_servers(http, settings.local_servers):
        logger.info("found %s at %s with the model %s", server.endpoint.title, server.base_url, server.model)
        row = server.endpoint
        key = _check_key(settings.api_keys.get(row.name, ""), row)
        connection = Connection(endpoint=row, base_url=server.base_url, model=server.model, api_key=key)
        model = GuardedModel(OpenAICompatibleModel(connection, http, settings.timeouts), settings.limits)
        return FailoverModel([model], clock, settings.retries)
    logger.warning("no model is connected: the demo answers. Set %s, or start a server here", ENDPOINTS[0].key_variable)
    return build_model(demo.ENDPOINT_NAME, settings, clock, http)


class _OwningModel:
    """A model together with the connections that were opened for it."""

    def __init__(self, model: ChatModel, http: HttpClient) -> None:
        self._model = model
        self._http = http

    @property
    def name(self) -> str:
        return self._model.name

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        return self._model.stream(request)

    async def check(self) -> ModelHealth:
        return await self._model.check()

    async def close(self) -> None:
        await self._model.close()
        await self._http.close()


def mend_base_url(url: str, endpoint: Endpoint) -> str:
    """Return `url` as the base of the API: people leave out `/v1`, or paste the whole route.

    Raises SettingsError when it is no address of a web server.
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
    return str(parsed.with_path(path or URL(endpoint.base_url).path))


def _parse_entry(entry: str) -> ModelAddress:
    name, _, model = entry.partition(":")
    if (row := find_endpoint(name)) is not None:
        return ModelAddress(row.name, model.strip())
    if name.lower() in _OTHER_WIRES:
        return ModelAddress(name.lower(), model.strip())
    near = difflib.get_close_matches(name.lower(), list_endpoint_names(), n=1)
    hint = f", did you mean {near[0]}" if near else ""
    raise SettingsError(f"BESEDA_MODEL: there is no endpoint {name!r}{hint}; known are {_list_known()}")


def _build_one(address: ModelAddress, around: Surroundings) -> ChatModel:
    if (row := find_endpoint(address.endpoint)) is None:
        return _OTHER_WIRES[address.endpoint](address, around)
    settings = around.settings
    key = _check_key(settings.api_keys.get(row.name, ""), row)
    if row.needs_key and not key:
        raise SettingsError(_explain_missing_key(row))
    url = settings.base_urls.get(row.name, "")
    connection = Connection(
        endpoint=row,
        base_url=mend_base_url(url, row) if url else row.base_url,
        model=address.model or row.default_model,
        api_key=key,
    )
    return OpenAICompatibleModel(connection, around.http, settings.timeouts)


def _check_key(key: str, row: Endpoint) -> str:
    key = key.strip()
    if key and (not key.isascii() or not key.isprintable() or " " in key):
        raise SettingsError(f"{row.key_variable}: a key has no spaces, line breaks or letters beyond ASCII")
    return key


def _explain_missing_key(row: Endpoint) -> str:
    servers = ", ".join(local.title for local in ENDPOINTS if local.is_local)
    return (
        f"{row.key_variable} is not set, and {row.title} needs it: get a key at {row.key_page}. "
        f"Without any key: start a server on this machine ({servers}), or set BESEDA_MODEL={demo.ENDPOINT_NAME}"
    )


def _list_known() -> str:
    return ", ".join(list_endpoint_names())
