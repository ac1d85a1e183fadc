"""The models of a process, from its settings."""

import logging
from contextlib import AsyncExitStack

from beseda.config import Settings
from beseda.config.model import llm_settings, models_folder
from beseda.errors import BesedaError
from beseda.kit.clock import Clock
from beseda.llm.base import ChatModel
from beseda.llm.http import HttpClient
from beseda.llm.local_server import LocalServers
from beseda.llm.provider import ModelProvider
from beseda.llm.registry import choose_model, list_configured

log = logging.getLogger(__name__)


async def open_models(
    settings: Settings, clock: Clock, stack: AsyncExitStack, *, program: ChatModel | None = None
) -> ModelProvider:
    """Open the program's model, which `program` stands in for, and the provider of the others; `stack` closes them.

    Raises SettingsError.
    """
    if program is None and not settings.model and not list_configured(llm_settings(settings)):
        await _resume_server(settings)
    http = await stack.enter_async_context(HttpClient())
    chosen = program or await choose_model(llm_settings(settings), clock, http)
    models = ModelProvider(chosen, llm_settings(settings), clock, http, look_around=program is None)
    stack.push_async_callback(models.close)
    return models


async def _resume_server(settings: Settings) -> None:
    """Restart the server that `beseda models fetch` had started, if it is not running."""
    try:
        async with HttpClient() as http:
            await LocalServers(models_folder(settings), http).resume()
    except BesedaError as error:
        log.warning("the local model is not started again: %s", error.detail)
