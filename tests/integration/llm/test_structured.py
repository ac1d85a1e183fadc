"""A real llama.cpp server holds even a model of random numbers to a schema."""

from pathlib import Path
from typing import Literal

from beseda.core.message import Message, Role
from beseda.http.client import HttpClient
from beseda.llm.base import ModelRequest, ask_structured
from beseda.llm.registry import LLMSettings, choose_model
from beseda.llm.structured import Form
from beseda.testing.clock import ManualClock
from tests.parts.llama_server import running_llama


class Verdict(Form):
    kind: Literal["да", "нет"]
    sure: bool


async def test_babble_becomes_an_object(tiny_model: Path, http: HttpClient) -> None:
    request = ModelRequest([Message(Role.USER, "weather")], max_tokens=200)
    async with running_llama(tiny_model) as url:
        model = await choose_model(LLMSettings(base_urls={"llamacpp": url}), ManualClock(instant=True), http)
        found = [await ask_structured(model, request, Verdict) for _ in range(3)]
    assert all(one.kind in {"да", "нет"} and isinstance(one.sure, bool) for one in found)
