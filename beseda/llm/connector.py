"""Connecting a model while the bots run."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

from beseda.core.clock import Clock
from beseda.core.errors import BesedaError, EmptyAnswerError, SettingsError, TimedOutError
from beseda.core.logs import redact
from beseda.core.message import Message, Role
from beseda.http.client import HttpClient
from beseda.http.endpoints import check_key, find_endpoint
from beseda.llm.base import ModelRequest, hear_out
from beseda.llm.demo import DEMO_NAME
from beseda.llm.local_server import (
    INSTALL,
    SMOLLM2,
    STARTED_ENDPOINT,
    LocalServers,
    ServerPlan,
    find_packaged,
    pick_port,
)
from beseda.llm.provider import ModelProvider
from beseda.llm.registry import LLMSettings, choose_model

log = logging.getLogger(__name__)

_TEST_SECONDS = 20.0
_QUOTES = frozenset("'\"`\\")


class ModelConnector:
    """Tests a model, stores its key and makes the bots use it, without a restart.

    `store` keeps variables for the next start.
    """

    def __init__(
        self, models: ModelProvider, settings: LLMSettings, clock: Clock, store: Callable[[Mapping[str, str]], None]
    ) -> None:
        self._models = models
        self._settings = settings
        self._wanted = settings.model
        self._clock = clock
        self._store = store
        self._lock = asyncio.Lock()

    @property
    def is_demo(self) -> bool:
        """Whether no model is connected."""
        return self.model_name == DEMO_NAME

    @property
    def model_name(self) -> str:
        """The program's model, as `endpoint:model`."""
        return self._models.program.name

    @property
    def has_local(self) -> bool:
        """Whether the small model and its server are installed."""
        try:
            find_packaged(SMOLLM2)
        except SettingsError:
            return False
        return True

    @property
    def local_command(self) -> str:
        """The command that installs the small model."""
        return INSTALL

    async def connect(self, endpoint: str, key: str) -> None:
        """Test `key` with one question, store it and use the endpoint's model.

        Raises SettingsError for an unknown endpoint, or a text that is no key of it. Raises a subclass of RemoteError
        if the test fails.
        """
        redact(key.strip())
        row = find_endpoint(endpoint)
        if row is None or not row.needs_key:
            raise SettingsError("there is no such service")
        key = check_key(key, row, at_home=row.name not in self._settings.base_urls)
        if not key or _QUOTES & set(key):
            raise SettingsError(f"{row.key_variable}: not a key")
        async with self._lock:
            settings = replace(self._settings, model=row.name, api_keys={**self._settings.api_keys, row.name: key})
            await self._test(settings)
            variables = {row.key_variable: key}
            if self._wanted:  # the demo was asked for by name, and would be back after a restart
                variables["BESEDA_MODEL"] = row.name
            await asyncio.to_thread(self._store, variables)
            await self._switch(settings)

    async def start_local(self) -> None:
        """Start the small model on this machine and use it.

        Raises SettingsError if it is not installed, ToolError if it does not start.
        """
        folder = self._settings.models_folder
        if folder is None:
            raise SettingsError("there is no folder for models")
        async with HttpClient() as http, self._lock:
            servers = LocalServers(folder, http)
            plan = ServerPlan(str(find_packaged(SMOLLM2)), await asyncio.to_thread(pick_port))
            started = await servers.find_running() or await servers.start(plan)
            # The model of the settings counts again after a restart; this one is found then by its record.
            urls = {**self._settings.base_urls, STARTED_ENDPOINT: started.base_url}
            await self._switch(replace(self._settings, model=STARTED_ENDPOINT, base_urls=urls))

    async def _switch(self, settings: LLMSettings) -> None:
        await self._models.switch(settings)
        self._settings = settings
        log.info("a model is connected: %s", self.model_name)

    async def _test(self, settings: LLMSettings) -> None:
        question = ModelRequest([Message(Role.USER, "Hi")], max_tokens=1)
        async with HttpClient() as http:
            model = await choose_model(settings, self._clock, http)
            try:
                async with asyncio.timeout(_TEST_SECONDS):
                    await hear_out(model, question)
            except EmptyAnswerError:
                pass  # one token may be too few for a word, and the key was accepted
            except TimeoutError:
                raise TimedOutError(f"{model.name}: no answer to the test within {_TEST_SECONDS:.0f} s") from None
            except BesedaError as error:
                log.warning("the test of %s failed: %s", model.name, error.detail)
                raise
