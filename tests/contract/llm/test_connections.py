"""Servers that close a connection which we meant to keep."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from beseda.core.errors import UnansweredError
from beseda.http.client import HttpClient
from beseda.llm.base import ChatModel
from beseda.llm.failover import FailoverModel
from beseda.llm.openai_compatible import Connection, OpenAICompatibleModel
from beseda.testing.clock import ManualClock
from tests.contract.llm.conftest import KEY, QUICK, find_row
from tests.parts.model_events import listen
from tests.parts.model_server import SERVED_MODEL, answer_whole

BODY = answer_whole("Hello").body or b""
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)


@asynccontextmanager
async def serving(*plan: int, late: float = 0.0) -> AsyncIterator[tuple[str, list[int]]]:
    """Serve connections: as many answers on each as the plan says, then close at the next request, unanswered.

    It closes `late` seconds after it has read the request.
    """
    served: list[int] = []
    left = list(plan)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = len(served)
        served.append(0)
        answers = left.pop(0) if left else 0
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                size = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
                await reader.readexactly(size)
                if served[number] == answers:
                    await asyncio.sleep(late)
                    return
                served[number] += 1
                writer.write(ANSWER)
        except asyncio.IncompleteReadError:
            return
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", served


def connect(url: str, http: HttpClient) -> ChatModel:
    connection = Connection(endpoint=find_row("vllm"), base_url=url, model=SERVED_MODEL, api_key=KEY)
    return OpenAICompatibleModel(connection, http, QUICK)


async def test_kept_connection_that_is_closed_costs_no_answer(http: HttpClient) -> None:
    async with serving(2, 3, 1) as (url, served):
        model = connect(url, http)
        heard = [(await listen(model)).text for _ in range(6)]

    assert heard == ["Hello"] * 6
    assert served == [2, 3, 1]


async def test_request_that_ends_a_new_connection_is_not_sent_again(http: HttpClient) -> None:
    async with serving(0, 0, 0, 0) as (url, served):
        with pytest.raises(UnansweredError):
            await listen(connect(url, http))

    assert len(served) == 1


async def test_prompt_that_ends_the_server_is_tried_once_more_and_counted(http: HttpClient) -> None:
    async with serving(*[0] * 9) as (url, served):
        clock = ManualClock(instant=True)
        with pytest.raises(UnansweredError):
            await listen(FailoverModel([connect(url, http)], clock))

    assert (len(served), len(clock.slept)) == (2, 1)


async def test_server_that_ends_late_has_begun_and_is_not_asked_again_in_silence(http: HttpClient) -> None:
    async with serving(1, 1, late=1.2) as (url, served):
        model = connect(url, http)
        await listen(model)
        with pytest.raises(UnansweredError):
            await listen(model)

    assert served == [1]
