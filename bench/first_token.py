"""How much later the first token comes through Beseda than the model server itself sends it.

One run, request by request in turn: a raw client that does nothing but HTTP, and Beseda's whole stack of a model
(failover, guard, wire). Both keep their connections; the server is a process of its own.
"""

import asyncio
import multiprocessing
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import urlsplit

import orjson

from bench.http_server import Request, chunk, serve
from bench.report import Bar, Row, Section, format_section
from beseda.core.clock import SystemClock
from beseda.core.message import Message, Role
from beseda.http.client import HttpClient
from beseda.llm.base import ModelRequest, TextDelta
from beseda.llm.registry import LLMSettings, choose_model

_ROUNDS = 200
_WARM_UP = 20
_FIRST_TOKEN = 0.02  # seconds that the server thinks
_PIECES = 20
_MOST = 3.0  # milliseconds above the raw client

_MESSAGES = [Message(Role.SYSTEM, "Be kind."), Message(Role.USER, "What is the capital of France?")]


async def measure(_folder: Path | None = None, _cores: set[int] | None = None) -> Section:
    """Measure in this process, the server beside it."""
    with _ServerProcess() as url:
        rows = await run(url)
    note = f"{_ROUNDS} answers each, in turn; the server thinks {_FIRST_TOKEN * 1000:.0f} ms; reference: raw HTTP"
    return Section("First token", note, rows)


async def run(url: str) -> list[Row]:
    """Return p50 and p95 of both, from the question to the first word of the answer, in milliseconds."""
    async with _open_raw(url) as ask_raw, _open_beseda(url) as ask_beseda:
        raw, ours = await _take_turns(ask_raw, ask_beseda)
    return [
        Row("first token, p50", "ms", statistics.median(ours), statistics.median(raw), Bar(above=_MOST)),
        Row("first token, p95", "ms", _percentile(ours), _percentile(raw)),
    ]


_Ask = Callable[[], Awaitable[float]]


async def _take_turns(*asks: _Ask) -> list[list[float]]:
    """Ask each in turn, so that whatever else the machine does falls on all alike."""
    times: list[list[float]] = [[] for _ in asks]
    for number in range(_WARM_UP + _ROUNDS):
        for place, ask in enumerate(asks):
            seconds = await ask()
            if number >= _WARM_UP:
                times[place].append(seconds * 1000)
    return times


@asynccontextmanager
async def _open_beseda(url: str) -> AsyncIterator[_Ask]:
    settings = LLMSettings(model="vllm:bench", base_urls={"vllm": url})
    http = HttpClient()
    model = await choose_model(settings, SystemClock(), http)
    request = ModelRequest(_MESSAGES)

    async def ask() -> float:
        started = time.perf_counter()
        first = 0.0
        async with aclosing(model.stream(request)) as events:
            async for event in events:
                if not first and type(event) is TextDelta:
                    first = time.perf_counter() - started
        return first

    try:
        yield ask
    finally:
        await http.close()


@asynccontextmanager
async def _open_raw(url: str) -> AsyncIterator[_Ask]:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    messages = [{"role": message.role, "content": message.content} for message in _MESSAGES]
    body = orjson.dumps({"model": "bench", "messages": messages, "stream": True})
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {len(body)}\r\n\r\n"
    sent = head.encode() + body

    async def ask() -> float:
        started = time.perf_counter()
        writer.write(sent)
        await reader.readuntil(b'"content":"')
        first = time.perf_counter() - started
        await reader.readuntil(b"[DONE]")
        await reader.readuntil(b"\r\n0\r\n\r\n")
        return first

    try:
        yield ask
    finally:
        writer.close()


class _ServerProcess:
    """The model server in a process of its own."""

    def __enter__(self) -> str:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        url: str = self._pipe.recv()
        return url

    def __exit__(self, *_: object) -> None:
        self._pipe.send("stop")
        self._process.join(5)
        self._process.kill()
        self._process.join()


def _serve(pipe: Connection) -> None:
    async def stay() -> None:
        async with serve(_answer) as listening:
            pipe.send(listening.url)
            await asyncio.to_thread(pipe.recv)

    asyncio.run(stay())


def _answer(request: Request) -> None:
    if not request.path.endswith("/chat/completions"):
        request.connection.reply(orjson.dumps({"object": "list", "data": [{"id": "bench", "object": "model"}]}))
        return
    request.connection.begin_stream()
    loop = asyncio.get_running_loop()
    for number in range(_PIECES):
        loop.call_later(_FIRST_TOKEN + number * 0.0005, request.connection.write, chunk(_event(f"word{number} ")))
    end = orjson.dumps({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "model": "bench"})
    last = chunk(b"data: %b\n\ndata: [DONE]\n\n" % end) + chunk(b"")
    loop.call_later(_FIRST_TOKEN + _PIECES * 0.0005 + 0.001, request.connection.write, last)


def _event(text: str) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    return b"data: %b\n\n" % orjson.dumps({"id": "c", "model": "bench", "choices": [choice]})


def _percentile(values: list[float], share: int = 95) -> float:
    return statistics.quantiles(values, n=100)[share - 1]


if __name__ == "__main__":
    found = asyncio.run(measure())
    print(format_section(found))
    sys.exit(0 if all(row.is_kept for row in found.rows) else 1)
