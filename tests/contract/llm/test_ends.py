"""Where an answer ends: by what the server said, not by what became of the connection or what its label says."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from beseda.core.errors import BrokenStreamError, UnavailableError
from beseda.http.client import HttpClient
from beseda.llm.base import ChatModel, FinishReason, TextDelta, Timeouts
from tests.contract.llm.conftest import CHATS, GIGACHAT, Subject, build_model
from tests.parts.model_events import ask, listen
from tests.parts.model_server import ModelServer, Reply, build_chunk

PATIENT = Timeouts(connect=2.0, first_token=30.0, idle=30.0, total=60.0, check=2.0)
TEXT, END = build_chunk(delta={"content": "Привет!"}), build_chunk(delta={}, finish_reason="stop")


@pytest.fixture(params=[CHATS[0], GIGACHAT], ids=str)
def subject(request: pytest.FixtureRequest) -> Subject:
    chosen: Subject = request.param
    return chosen


@pytest.fixture
async def server(subject: Subject) -> AsyncIterator[ModelServer]:
    async with subject.server() as running:
        yield running


@pytest.fixture
def model(subject: Subject, server: ModelServer, http: HttpClient) -> ChatModel:
    return build_model(subject, server, http, timeouts=PATIENT)


async def test_bytes_that_came_with_the_break_are_read(model: ChatModel, server: ModelServer) -> None:
    server.script(*[Reply(raw=[TEXT + END, b""], cut_after=1)] * 5)

    assert [(await listen(model)).text for _ in range(5)] == ["Привет!"] * 5


@pytest.mark.parametrize("hang", [False, True], ids=["reset", "silence"])
async def test_answer_is_complete_once_its_end_was_received(model: ChatModel, server: ModelServer, hang: bool) -> None:
    server.script(Reply(raw=[TEXT, END, b""], cut_after=2, hang=hang, chunk_delay=0.05))
    async with asyncio.timeout(6):
        heard = await listen(model)

    assert (heard.text, heard.end.reason) == ("Привет!", FinishReason.STOP)


async def test_end_that_no_line_end_followed_is_an_end(model: ChatModel, server: ModelServer) -> None:
    server.script(Reply(raw=[TEXT, END.rstrip(), b""], cut_after=2, chunk_delay=0.05))

    assert (await listen(model)).text == "Привет!"


async def test_error_after_the_end_takes_nothing_away(model: ChatModel, server: ModelServer) -> None:
    server.script(Reply(raw=[TEXT, END, b'data: {"error": {"message": "usage"}}\n\n'], chunk_delay=0.05))

    assert (await listen(model)).text == "Привет!"


async def test_error_in_place_of_an_answer_is_reported_though_a_reason_was_given(
    model: ChatModel, server: ModelServer
) -> None:
    server.script(Reply(raw=[END, b'data: {"error": {"message": "overloaded"}}\n\n'], chunk_delay=0.05))
    with pytest.raises(UnavailableError):
        await listen(model)


async def test_body_that_came_whole_is_an_answer_though_more_bytes_were_announced(
    model: ChatModel, server: ModelServer
) -> None:
    body = b'{"choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}]}'
    headers = {"Content-Type": "application/json", "Content-Length": "999"}
    server.script(Reply(raw=[body, b""], cut_after=1, headers=headers, chunk_delay=0.05))

    assert (await listen(model)).text == "Hello"


async def test_break_without_an_end_is_a_broken_answer(model: ChatModel, server: ModelServer) -> None:
    server.script(Reply(raw=[TEXT, b""], cut_after=1, chunk_delay=0.05))
    with pytest.raises(BrokenStreamError):
        await listen(model)


@pytest.mark.parametrize(
    "label", ["application/json", "text/html", "text/plain; charset=utf-8", "application/x-ndjson", "x"]
)
async def test_stream_under_another_label_is_shown_as_it_comes(
    model: ChatModel, server: ModelServer, label: str
) -> None:
    server.script(Reply(text=["Привет", "!"], headers={"Content-Type": label}, cut_after=1, hang=True))
    async with asyncio.timeout(6):
        events = model.stream(ask())
        first = [event async for event in _take(events)]

    assert first == [TextDelta("Привет")]


async def _take(events: AsyncIterator[object]) -> AsyncIterator[object]:
    async for event in events:
        yield event
        return


async def test_body_under_the_label_of_a_stream_is_read(model: ChatModel, server: ModelServer) -> None:
    body = b'{"choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}]}'
    server.script(Reply(body=body, headers={"Content-Type": "text/event-stream"}))

    assert (await listen(model)).text == "Hello"


async def test_thoughts_of_a_template_without_a_parser_are_no_answer(model: ChatModel, server: ModelServer) -> None:
    server.script(Reply(text=["Дума", "ю…\n</thi", "nk>\n\nПривет!"], chunk_delay=0.02))
    first = await listen(model)
    server.script(Reply(text=["Снова", "</think>Пока!"], chunk_delay=0.02))
    second = await listen(model)
    server.script(Reply(text=["Ясно."]))

    assert first.text == "Привет!"
    assert [event.text for event in second.events if isinstance(event, TextDelta)] == ["Пока!"]
    assert (await listen(model)).text == "Ясно."
