"""What every `ChatModel` promises, whoever implements it."""

from collections.abc import Callable
from contextlib import aclosing
from functools import partial

import pytest

from beseda.http.client import HttpClient
from beseda.http.endpoints import CHAT_ENDPOINTS
from beseda.llm.base import ChatModel, Finished, ObservedModel, TextDelta
from beseda.llm.demo import DemoModel
from beseda.llm.failover import FailoverModel
from beseda.llm.guard import AnswerGuard
from beseda.llm.openai_compatible import Connection, OpenAICompatibleModel
from beseda.llm.prices import PriceBook, PriceObserver
from beseda.llm.registry import LLMSettings, build_model
from beseda.testing.clock import ManualClock
from beseda.testing.scripted_model import ScriptedAnswer, ScriptedModel
from tests.contract.llm.conftest import KEY
from tests.parts.model_events import ask, listen
from tests.parts.model_server import SERVED_MODEL, ModelServer

Build = Callable[[ModelServer, HttpClient], ChatModel]


def build_wire(server: ModelServer, http: HttpClient) -> ChatModel:
    connection = Connection(endpoint=CHAT_ENDPOINTS[0], base_url=server.base_url, model=SERVED_MODEL)
    return OpenAICompatibleModel(connection, http)


def build_named(name: str) -> Build:
    def build(server: ModelServer, http: HttpClient) -> ChatModel:
        settings = LLMSettings(
            api_keys={name: KEY}, base_urls={name: server.base_url}, model_names={name: SERVED_MODEL}
        )
        return build_model(name, settings, ManualClock(instant=True), http)

    build.__name__ = f"build_{name}"
    return build


def build_priced(server: ModelServer, http: HttpClient) -> ChatModel:
    return ObservedModel(
        build_wire(server, http),
        partial(PriceObserver, book=PriceBook([f"{CHAT_ENDPOINTS[0].name}:{SERVED_MODEL}=1/2"])),
    )


def build_demo(_server: ModelServer, _http: HttpClient) -> ChatModel:
    return DemoModel(ManualClock(instant=True))


def build_scripted(_server: ModelServer, _http: HttpClient) -> ChatModel:
    return ScriptedModel(fallback=ScriptedAnswer(pieces=("Hel", "lo")))


def build_guarded(server: ModelServer, http: HttpClient) -> ChatModel:
    return ObservedModel(build_scripted(server, http), AnswerGuard)


def build_failover(server: ModelServer, http: HttpClient) -> ChatModel:
    return FailoverModel([build_scripted(server, http)], ManualClock(instant=True))


BUILDS = (build_wire, build_priced, build_demo, build_scripted, build_guarded, build_failover)


@pytest.fixture(params=[*BUILDS, *map(build_named, ("hf", "llamacpp", "vllm"))])
def chat_model(request: pytest.FixtureRequest, server: ModelServer, http: HttpClient) -> ChatModel:
    build: Build = request.param
    return build(server, http)


async def test_name_is_endpoint_and_model(chat_model: ChatModel) -> None:
    endpoint, colon, model = chat_model.name.partition(":")

    assert endpoint
    assert colon
    assert model


async def test_answer_ends_with_one_finished(chat_model: ChatModel) -> None:
    heard = await listen(chat_model)

    assert heard.text
    assert heard.end.endpoint == chat_model.name.partition(":")[0]
    assert heard.end.usage.total_tokens > 0


async def test_two_answers_do_not_mix(chat_model: ChatModel) -> None:
    first, second = (chat_model.stream(ask("one")), chat_model.stream(ask("two")))
    async with aclosing(first), aclosing(second):
        assert isinstance(await anext(first), TextDelta)
        assert isinstance(await anext(second), TextDelta)
        assert [event async for event in first if isinstance(event, Finished)]
        assert [event async for event in second if isinstance(event, Finished)]


async def test_answer_may_be_left_in_the_middle(chat_model: ChatModel) -> None:
    async with aclosing(chat_model.stream(ask())) as events:
        await anext(events)

    assert (await listen(chat_model)).text


async def test_check_reports_ready(chat_model: ChatModel) -> None:
    health = await chat_model.check()

    assert health.ok
    assert health.detail


async def test_close_may_be_called_twice(chat_model: ChatModel) -> None:
    await chat_model.close()
    await chat_model.close()
