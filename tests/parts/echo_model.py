"""A model server that repeats what it was asked, over real HTTP; it waits as long as the question says."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer

_WAIT = re.compile(r"wait ([0-9.]+)")


@dataclass
class EchoModel:
    """Answers `hello, wait 2` with `re: hello, wait 2`, in the course of two seconds. `asked` holds every question."""

    url: str = ""
    asked: list[str] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Stream the answer: its beginning at once, its end when the time is over."""
        # Notes of the program stand before the question, in one message with it.
        said = str((await request.json())["messages"][-1]["content"]).rpartition("\n\n")[2]
        self.asked.append(said)
        found = _WAIT.search(said)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            await response.write(_chunk("re: "))
            await asyncio.sleep(float(found[1]) if found else 0.0)  # how long a model thinks
            await response.write(_chunk(said) + b"data: [DONE]\n\n")
        except (ConnectionError, RuntimeError):
            pass  # whoever asked is gone
        return response


def _chunk(text: str) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    return b"data: " + orjson.dumps({"id": "1", "object": "chat.completion.chunk", "choices": [choice]}) + b"\n\n"


async def _list(_request: web.Request) -> web.Response:
    return web.json_response({"object": "list", "data": [{"id": "echo", "object": "model"}]})


@asynccontextmanager
async def serve_echo() -> AsyncIterator[EchoModel]:
    """Listen on loopback for the length of the block."""
    model = EchoModel()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", model.answer)
    app.router.add_get("/v1/models", _list)
    server = TestServer(app)
    await server.start_server()
    model.url = str(server.make_url("/v1"))
    try:
        yield model
    finally:
        await server.close()
