"""The models of a chat: the one that answers and those that are compared, over the same connections."""

from collections.abc import Sequence
from dataclasses import replace

from beseda.cli.compare import THREE, build_contenders
from beseda.core.clock import Clock
from beseda.http.client import HttpClient
from beseda.http.endpoints import find_endpoint
from beseda.llm.base import ChatModel
from beseda.llm.registry import LLMSettings, build_model, choose_model, list_configured


class OpenModels:
    """Opens models by name; `close` gives all of them back. `current` is None until `open`."""

    def __init__(self, settings: LLMSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._http = HttpClient()
        self._opened: list[ChatModel] = []
        self.current: ChatModel | None = None

    async def open(self) -> ChatModel:
        """Take the model of the settings. Raises SettingsError."""
        self.current = await choose_model(self._settings, self._clock, self._http)
        self._opened.append(self.current)
        return self.current

    def switch(self, spec: str) -> ChatModel:
        """Have another model answer from now on. Raises SettingsError, and the one before it stays."""
        self.current = self.build(spec)
        return self.current

    def build(self, spec: str) -> ChatModel:
        """Return a model by `endpoint:model`. Raises SettingsError."""
        model = build_model(spec, replace(self._settings, model=spec), self._clock, self._http)
        self._opened.append(model)
        return model

    def build_contenders(self, specs: Sequence[str]) -> list[ChatModel]:
        """Return models to compare. A model that is not set up fails with that reason when it is asked. Raises
        SettingsError.
        """
        contenders = build_contenders(specs, self._settings, self._clock, self._http)
        self._opened += contenders
        return contenders

    def list_specs(self) -> list[str]:
        """Return the names that are offered for a model."""
        rows = list_configured(self._settings)
        short = [spec for spec in THREE if any(spec.startswith(f"{row.name}:") for row in rows)]
        return [*(f"{row.name}:{row.chat.default_model}".rstrip(":") for row in rows), *short, "demo"]

    def find_base_url(self, model: str) -> str:
        """Return the address of the endpoint of `endpoint:model`; empty if it has none."""
        row = find_endpoint(model.partition(":")[0])
        return "" if row is None else self._settings.base_urls.get(row.name, row.base_url)

    async def close(self) -> None:
        for model in self._opened:
            await model.close()
        await self._http.close()
