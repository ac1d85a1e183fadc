"""The promises of a `ChatModel` kept by a real instruct model: SmolLM2-135M at a real llama.cpp server, four slots."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import Field
from yarl import URL

import beseda.bots.sales
from beseda.bots.sales.funnel_file import read_funnel
from beseda.core.clock import SystemClock
from beseda.core.errors import ContextTooLongError, RepeatingAnswerError
from beseda.core.message import Message, Role
from beseda.features.sales.extraction import Extractor
from beseda.http.client import HttpClient
from beseda.llm.base import (
    ChatModel,
    FinishReason,
    ModelEvent,
    ModelRequest,
    ObservedModel,
    TextDelta,
    Timeouts,
    ask_structured,
    find_measuring,
)
from beseda.llm.dialect import ChatDialect
from beseda.llm.extraction_prompt import DialogLine
from beseda.llm.fitting import InstructionsTooLongError, fit_messages
from beseda.llm.guard import AnswerGuard
from beseda.llm.llamacpp import CompletionDialect
from beseda.llm.openai_compatible import Connection, OpenAICompatibleModel
from beseda.llm.registry import LLMSettings, build_model
from beseda.llm.structured import Form
from tests.contract.llm.conftest import find_row
from tests.parts.llama_server import find_smollm2, running_llama
from tests.parts.model_events import listen
from tests.parts.waiting import eventually

CONTEXT, SLOTS = 2048, 4
CAPITAL = [
    Message(Role.SYSTEM, "You are a helpful assistant. Answer in one short sentence."),
    Message(Role.USER, "What is the capital of France?"),
]
PATIENT = Timeouts(first_token=120.0, idle=120.0, total=300.0)


@pytest.fixture
async def root() -> AsyncIterator[str]:
    async with running_llama(find_smollm2(), context=CONTEXT, slots=SLOTS) as address:
        yield address


@pytest.fixture
def model(root: str, http: HttpClient) -> ChatModel:
    settings = LLMSettings(base_urls={"llamacpp": root}, timeouts=PATIENT)
    return build_model("llamacpp", settings, SystemClock(), http)


def build_wire(root: str, http: HttpClient, *, plain: bool) -> ChatModel:
    row = find_row("llamacpp")
    connection = Connection(endpoint=row, base_url=f"{root}/v1")
    dialect = CompletionDialect(row) if plain else ChatDialect(row)
    return OpenAICompatibleModel(connection, http, PATIENT, dialects=[dialect])


@pytest.mark.parametrize("plain", [False, True], ids=["chat", "completion"])
async def test_an_answer_comes_in_pieces_with_one_end_and_its_usage(root: str, http: HttpClient, plain: bool) -> None:
    request = ModelRequest(CAPITAL, temperature=0.0, max_tokens=40)
    heard = await listen(build_wire(root, http, plain=plain), request)
    assert "Paris" in heard.text
    assert len(heard.events) > 3
    assert heard.end.reason in {FinishReason.STOP, FinishReason.LENGTH}
    assert not heard.end.usage.estimated
    assert 0 < heard.end.usage.completion_tokens <= 40


async def test_leaving_frees_its_slot(root: str, model: ChatModel, http: HttpClient) -> None:
    endless = ModelRequest([Message(Role.USER, "Write a long story about a cat.")], max_tokens=1500)
    async with aclosing(model.stream(endless)) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                break

    async def is_free() -> bool:
        return b'"is_processing":true' not in (await http.get(URL(root) / "slots", wait=5)).body

    await eventually(is_free)


async def test_health_has_the_name_and_the_context_of_one_slot(model: ChatModel) -> None:
    health = await model.check()
    assert (health.ok, health.model, health.context) == (True, "SmolLM2-135M-Instruct.Q4_1.gguf", CONTEXT)


async def test_four_conversations_are_answered_side_by_side(model: ChatModel) -> None:
    request = ModelRequest(CAPITAL, temperature=0.0, max_tokens=20)
    heard = await asyncio.gather(*(listen(model, request) for _ in range(SLOTS)))
    assert ["Paris" in one.text for one in heard] == [True] * SLOTS


class City(Form):
    city: str = Field(json_schema_extra={"maxLength": 40})
    tags: list[Annotated[str, Field(json_schema_extra={"maxLength": 20})]] = Field(json_schema_extra={"maxItems": 3})


async def test_an_object_of_a_schema_comes_back(model: ChatModel) -> None:
    request = ModelRequest(CAPITAL, temperature=0.0, max_tokens=300)
    found = await ask_structured(model, request, City)
    assert len(found.tags) <= 3


def build_lines(count: int) -> list[DialogLine]:
    """Return a talk of many lines, half of them Russian, with ids as long as those of the database."""
    first = 1_234_567_890_123_456
    texts = [
        (Role.ASSISTANT, "Расскажите, пожалуйста, сколько заявок в день вы получаете?"),
        (Role.USER, "около сорока"),
    ]
    lines = [DialogLine(first + place, *texts[place % 2]) for place in range(count)]
    return [
        *lines,
        DialogLine(first + count, Role.USER, "My name is Anna, I run a bakery, the budget is 5000 dollars."),
    ]


@pytest.mark.slow
async def test_the_form_of_sales_is_read(model: ChatModel) -> None:
    """2,076 tokens were sent into 2,048; where they fitted, the list of findings did not end before the context."""
    funnel = read_funnel(Path(beseda.bots.sales.__file__).with_name("funnel.yaml"))
    watched = _Watched(model)
    reading = await Extractor(funnel).read(watched, build_lines(12), {})
    assert reading.consent in {"yes", "no", "none"}
    (request,) = watched.requests
    assert "Anna" in request.messages[-1].content
    measuring = find_measuring(model)
    assert measuring is not None
    counts = [await measuring.count_tokens(message.content) or 0 for message in request.messages]
    assert sum(counts) + 1_000 <= CONTEXT


class _Watched:
    """A `ChatModel` that keeps its requests."""

    def __init__(self, model: ChatModel) -> None:
        self._model = model
        self.requests: list[ModelRequest] = []
        self.name, self.check, self.close = model.name, model.check, model.close
        self.measuring = find_measuring(model)

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        self.requests.append(request)
        return self._model.stream(request)


@pytest.mark.slow
@pytest.mark.parametrize("phrase", ["I'm sorry. ", "0"])
async def test_an_answer_in_circles_is_stopped_long_before_its_limit(http: HttpClient, phrase: str) -> None:
    grammar = f'root ::= ("{phrase}")+'
    async with running_llama(find_smollm2(), context=CONTEXT, grammar=grammar) as root:
        guarded = ObservedModel(build_wire(root, http, plain=False), AnswerGuard)
        with pytest.raises(RepeatingAnswerError):
            await listen(guarded, ModelRequest(CAPITAL, max_tokens=1500))


def talk(words: str, count: int) -> Sequence[Message]:
    return [CAPITAL[0], *(Message(Role(("user", "assistant")[n % 2]), words) for n in range(count)), CAPITAL[1]]


async def test_a_long_talk_is_cut_to_the_context_by_the_servers_count(model: ChatModel) -> None:
    said = talk("Расскажите мне, пожалуйста, о погоде в Твери и о том, что надеть. " * 3, 20)
    shown = await fit_messages(said, model, max_tokens=200)
    assert (shown[0], shown[-1]) == (said[0], said[-1])
    assert 3 < len(shown) < len(said)
    measuring = find_measuring(model)
    assert measuring is not None
    assert sum([await measuring.count_tokens(message.content) or 0 for message in shown]) <= CONTEXT - 200


async def test_request_that_cannot_fit_is_refused_immediately(model: ChatModel) -> None:
    with pytest.raises(ContextTooLongError) as refused:
        await fit_messages([CAPITAL[0], Message(Role.USER, "слово " * 500_000)], model)
    assert "cannot fit" in refused.value.detail
    with pytest.raises(InstructionsTooLongError) as too_long:
        await fit_messages([Message(Role.SYSTEM, "Отвечай вежливо. " * 300), CAPITAL[1]], model)
    assert "of them are instructions" in too_long.value.detail
