"""A bot's own model: taken where it is set up, built once, and done without where it is not."""

import logging

import pytest

from beseda.core.clock import SystemClock
from beseda.core.errors import SettingsError
from beseda.http.client import HttpClient
from beseda.llm.base import ModelRequest
from beseda.llm.provider import ModelProvider, choose_configured
from beseda.llm.registry import LLMSettings
from beseda.testing.scripted_model import ScriptedModel

PROGRAM = ScriptedModel(name="scripted:program")


def _provider(**keys: str) -> ModelProvider:
    return ModelProvider(PROGRAM, LLMSettings(api_keys=keys), SystemClock(), HttpClient(), look_around=False)


async def test_no_spec_is_the_program_s_model() -> None:
    assert await _provider().find("") is PROGRAM


async def test_endpoint_that_is_not_set_up_is_stood_in_for_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    provider = _provider()
    with caplog.at_level(logging.DEBUG, "beseda.llm.provider"):
        models = [await provider.find("gigachat,openrouter") for _ in range(3)]
    assert len({id(model) for model in models}) == 1
    assert len(caplog.records) == 1
    PROGRAM.add("I am here.")
    async for _ in models[0].stream(ModelRequest([])):
        pass
    assert PROGRAM.requests[-1].stands_for == "gigachat"


async def test_wrong_spec_is_reported_and_answered_by_the_program_s_model(caplog: pytest.LogCaptureFixture) -> None:
    assert await _provider().find("gigachad:x") is PROGRAM
    assert "did you mean gigachat" in caplog.text


async def test_only_configured_models_of_a_list_count_and_are_built_once() -> None:
    provider = _provider(openrouter="sk-or-test")
    model = await provider.find("gigachat,openrouter:some/model,demo")
    assert model.name == "openrouter:some/model,demo:demo"
    assert await provider.find("gigachat,openrouter:some/model,demo") is model
    await provider.close()


async def test_wrong_entry_of_a_list_is_reported() -> None:
    with pytest.raises(SettingsError):
        await choose_configured("nothing:x", LLMSettings())
