"""The models of a process."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from dataclasses import replace

from beseda.core.clock import Clock
from beseda.core.errors import BesedaError, SettingsError
from beseda.http.client import HttpClient
from beseda.http.endpoints import find_endpoint
from beseda.llm.base import ChatModel, ModelEvent, ModelRequest, ModelWrapper, prepare_model
from beseda.llm.discovery import find_local_servers
from beseda.llm.local_server import LocalServers
from beseda.llm.registry import LLMSettings, choose_model, list_configured, list_local_addresses, parse_spec

log = logging.getLogger(__name__)


class ModelProvider:
    """The models of a process: the program's own, and those that bots request by spec, each built at first use.

    Of a spec, only endpoints count that are configured, or servers of this machine that answer (`look_around`). If none
    is left, the program's own model answers, so that a bot without its model still works. All use the connections of
    `http`, which stays open.
    """

    def __init__(
        self,
        program: ChatModel,
        settings: LLMSettings,
        clock: Clock,
        http: HttpClient,
        *,
        look_around: bool = True,
    ) -> None:
        self._program = program
        self._settings = settings
        self._clock = clock
        self._http = http
        self._look_around = look_around
        self._built: dict[str, ChatModel] = {}
        self._retired: list[ChatModel] = []
        self._lock = asyncio.Lock()

    @classmethod
    async def open(
        cls, settings: LLMSettings, clock: Clock, http: HttpClient, *, program: ChatModel | None = None
    ) -> "ModelProvider":
        """Choose the program's model, unless `program` replaces it. Raises SettingsError."""
        if program is None and settings.models_folder and not settings.model and not list_configured(settings):
            try:  # the server that `beseda models fetch` had started, if it is not running
                await LocalServers(settings.models_folder, http).resume()
            except BesedaError as error:
                log.warning("the local model is not started again: %s", error.detail)
        chosen = program or await choose_model(settings, clock, http)
        return cls(chosen, settings, clock, http, look_around=program is None)

    async def switch(self, settings: LLMSettings) -> None:
        """Use the models of other settings from the next question on; answers under way end with the old ones.

        Raises SettingsError.
        """
        program = await choose_model(settings, self._clock, self._http)
        async with self._lock:
            self._retired += [self._program, *self._built.values()]
            self._program, self._settings, self._built = program, settings, {}

    async def find(self, spec: str) -> ChatModel:
        """Return the model of a spec, or the program's own if the spec is empty or none of it is configured."""
        await prepare_model(self._program)
        if not spec:
            return self._program
        if spec not in self._built:
            async with self._lock:
                if spec not in self._built:
                    self._built[spec] = await self._build(spec)
        return self._built[spec]

    @property
    def program(self) -> ChatModel:
        """The program's own model."""
        return self._program

    async def close(self) -> None:
        """Close all of them."""
        for model in {id(model): model for model in (self._program, *self._built.values(), *self._retired)}.values():
            await model.close()

    async def _build(self, spec: str) -> ChatModel:
        try:
            search = self._http if self._look_around else None
            settings = await choose_configured(spec, self._settings, search=search)
            if settings is not None:
                return await choose_model(settings, self._clock, self._http)
            log.debug("nothing of %s is set up here: %s answers instead", spec, self._program.name)
        except SettingsError as error:
            log.warning("%s is left aside, %s answers instead: %s", spec, self._program.name, error.detail)
            return self._program
        return _StandIn(self._program, parse_spec(spec, self._settings)[0].endpoint)


class _StandIn(ModelWrapper):
    """The program's model in place of a bot's own that is not configured; the demo names the missing endpoint."""

    def __init__(self, model: ChatModel, endpoint: str) -> None:
        super().__init__(model)
        self._endpoint = endpoint

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        return self._model.stream(replace(request, stands_for=self._endpoint))

    async def close(self) -> None:
        """Leave the program's model open: the provider closes it."""


async def choose_configured(
    spec: str, settings: LLMSettings, *, search: HttpClient | None = None
) -> LLMSettings | None:
    """Return settings for the part of `spec` that can be used here, or None.

    With `search`, servers of this machine that answer count as configured. Raises SettingsError for a wrong spec.
    """
    configured = {row.name for row in list_configured(settings)}
    urls = dict(settings.base_urls)
    usable = []
    for address in parse_spec(spec, settings):
        row = find_endpoint(address.endpoint)
        if row is not None and row.is_local and row.name not in configured and search is not None:
            servers = await find_local_servers(search, list_local_addresses(settings))
            urls |= {server.endpoint.name: server.base_url for server in servers if server.endpoint is row}
        if row is None or row.name in configured or row.name in urls:
            usable.append(":".join(filter(None, address)))
    return replace(settings, model=",".join(usable), base_urls=urls) if usable else None
