"""A bot's own model: taken where it is set up, built once, and done without where it is not."""

import logging

import pytest

from beseda.bootstrap import ModelShelf, choose_configured
from beseda.errors import SettingsError
from beseda.kit.clock import SystemClock
from beseda.llm.registry import LLMSettings
from beseda.testing.scripted_model import ScriptedModel

PROGRAM = ScriptedModel(name="scripted:program")


def _shelf(**keys: str) -> ModelShelf:
    return ModelShelf(PROGRAM, LLMSettings(api_keys=keys), SystemClock(), look_around=False)


async def test_no_spec_is_the_program_s_model() -> None:
    assert await _shelf().find("") is PROGRAM


async def test_what_is_not_set_up_is_answered_by_the_program_s_model_and_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    shelf = _shelf()
    with caplog.at_level(logging.INFO, "beseda.bootstrap"):
        assert [await shelf.find("gigachat,openrouter") for _ in range(3)] == [PROGRAM] * 3
    assert len(caplog.records) == 1


async def test_wrong_spec_is_said_and_answered_by_the_program_s_model(caplog: pytest.LogCaptureFixture) -> None:
    assert await _shelf().find("gigachad:x") is PROGRAM
    assert "did you mean gigachat" in caplog.text


async def test_only_what_is_set_up_counts_of_a_list_and_is_built_once() -> None:
    shelf = _shelf(openrouter="sk-or-test")
    model = await shelf.find("gigachat,openrouter:some/model,demo")
    assert model.name == "openrouter:some/model,demo:demo"
    assert await shelf.find("gigachat,openrouter:some/model,demo") is model
    await shelf.close()


async def test_wrong_entry_of_a_list_is_told() -> None:
    with pytest.raises(SettingsError):
        await choose_configured("nothing:x", LLMSettings(), look_around=False)
