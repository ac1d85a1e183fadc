"""Beseda at a real llama.cpp server."""

import logging
from contextlib import aclosing
from pathlib import Path

import pytest

from beseda.core.backoff import Backoff
from beseda.core.clock import SystemClock
from beseda.core.errors import ContextTooLongError, UnavailableError
from beseda.core.message import Message, Role
from beseda.http.client import HttpClient
from beseda.http.endpoints import find_endpoint
from beseda.llm.base import ChatModel, FinishReason, ModelRequest, TextDelta, find_measuring
from beseda.llm.failover import RetryPolicy
from beseda.llm.fitting import cut_window, find_room
from beseda.llm.llamacpp import CompletionDialect
from beseda.llm.openai_compatible import Connection, OpenAICompatibleModel
from beseda.llm.registry import LLMSettings, choose_model
from tests.parts.llama_server import CONTEXT, find_free_port, running_llama
from tests.parts.model_events import ask, listen

SENTENCE = "Привет! I am **fine** 😀.\n\nA second paragraph."


async def choose(url: str, http: HttpClient) -> ChatModel:
    quick = RetryPolicy(attempts=2, backoff=Backoff(first=0.01, jitter=0.0))
    return await choose_model(LLMSettings(base_urls={"llamacpp": url}, retries=quick), SystemClock(), http)


async def test_answer_is_streamed_with_its_usage(tiny_model: Path, http: HttpClient) -> None:
    async with running_llama(tiny_model, literal=SENTENCE) as url:
        model = await choose(url, http)
        heard = await listen(model)
        again = await listen(model)

    assert heard.text == again.text == SENTENCE
    assert heard.end.reason is FinishReason.STOP
    assert not heard.end.usage.estimated
    assert heard.end.usage.completion_tokens > 5
    assert heard.end.model == "tiny.gguf"


async def test_plain_completion_gives_the_same_answer(tiny_model: Path, http: HttpClient) -> None:
    row = find_endpoint("llamacpp")
    assert row is not None
    async with running_llama(tiny_model, literal=SENTENCE) as url:
        connection = Connection(endpoint=row, base_url=f"{url}/v1", model="tiny")
        heard = await listen(OpenAICompatibleModel(connection, http, dialects=[CompletionDialect(row)]))
        short = ModelRequest(ask().messages, max_tokens=3)
        cut = await listen(OpenAICompatibleModel(connection, http, dialects=[CompletionDialect(row)]), short)

    assert heard.text == SENTENCE
    assert (heard.end.reason, cut.end.reason) == (FinishReason.STOP, FinishReason.LENGTH)
    assert (heard.end.usage.estimated, cut.end.usage.completion_tokens) == (False, 3)


async def test_server_that_comes_later_answers_the_next_message(
    tiny_model: Path, http: HttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    port = find_free_port()
    with caplog.at_level(logging.WARNING):
        model = await choose(f"http://127.0.0.1:{port}", http)
    for _ in range(6):  # more failures than a breaker forgives
        with pytest.raises(UnavailableError):
            await listen(model)
    async with running_llama(tiny_model, port, literal=SENTENCE):
        heard = await listen(model)
    with pytest.raises(UnavailableError):
        await listen(model)

    assert "the model server is not there" in caplog.text
    assert heard.text == SENTENCE


async def test_history_is_cut_to_the_context_of_the_server(tiny_model: Path, http: HttpClient) -> None:
    talk = [Message(Role.SYSTEM, "hello")]
    for turn in range(40):
        talk += [Message(Role.USER, f"what is the weather {turn}"), Message(Role.ASSISTANT, "погода сегодня " * 5)]
    talk.append(Message(Role.USER, "как дела"))
    async with running_llama(tiny_model, literal=SENTENCE) as url:
        model = await choose(url, http)
        measuring = find_measuring(model)
        assert measuring is not None
        context = await measuring.context_size()
        counts = [await measuring.count_tokens(message.content) or 0 for message in talk]
        with pytest.raises(ContextTooLongError):
            await listen(model, ModelRequest(talk))
        shown = cut_window(talk, counts, find_room(context or 0, 100))
        heard = await listen(model, ModelRequest(shown, max_tokens=100))

    assert context == CONTEXT
    assert 3 < len(shown) < len(talk)
    assert heard.text == SENTENCE
    assert heard.end.usage.prompt_tokens <= find_room(CONTEXT, 100)


async def test_leaving_frees_the_only_slot(tiny_model: Path, http: HttpClient) -> None:
    async with running_llama(tiny_model, literal=SENTENCE * 5) as url:
        model = await choose(url, http)
        async with aclosing(model.stream(ask())) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    break
        heard = await listen(model, ModelRequest(ask().messages, max_tokens=4))
        health = await model.check()

    assert heard.end.usage.completion_tokens == 4
    assert health.ok
