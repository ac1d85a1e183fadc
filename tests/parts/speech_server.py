"""A local recogniser with OpenAI's multipart route, OpenRouter's JSON and a plain `/transcribe`.

It says what it is told to, and fails on request.
"""

import asyncio
import base64
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Self

from aiohttp import BodyPartReader, web

MODEL = "whisper-large-v3-turbo"


class Fault(StrEnum):
    """How one request goes wrong; each takes effect once."""

    UNAUTHORIZED = "unauthorized"
    NO_MODEL = "no model"
    WRONG_METHOD = "wrong method"
    TOO_LARGE = "too large"
    TOO_MANY = "too many"
    NO_CREDIT = "no credit"
    BROKEN = "broken"
    HANG = "hang"
    DISCONNECT = "disconnect"
    REDIRECT = "redirect"
    HTML = "html"
    NO_TEXT = "no text"
    HUGE = "huge"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Heard:
    """One request as it arrived."""

    authorization: str
    fields: dict[str, str]
    file_name: str
    content_type: str
    audio: bytes


@dataclass(slots=True)
class SpeechServer:
    """Use as `async with SpeechServer() as server`; `base_url` is what a client of OpenAI's wants."""

    text: str = "Привет, мир"
    retry_after: str = "0"
    faults: deque[Fault] = field(default_factory=deque)
    heard: list[Heard] = field(default_factory=list)
    # Says what to answer to a recording, instead of `text`: a text, an object of OpenAI's, or a fault.
    ear: "Callable[[Heard], str | dict[str, object] | Fault] | None" = None
    delay: float = 0.0
    knows_times: bool = True
    shutdown_date: object = None
    running: int = 0
    most_running: int = 0
    root_url: str = ""
    _released: asyncio.Event = field(default_factory=asyncio.Event)
    _runner: web.AppRunner | None = None

    @property
    def base_url(self) -> str:
        return f"{self.root_url}/openai/v1"

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=30_000_000)
        for prefix in ("/v1", "/openai/v1"):
            app.router.add_post(f"{prefix}/audio/transcriptions", self._transcribe)
            app.router.add_get(f"{prefix}/models", self._list_models)
            app.router.add_post(f"{prefix}/transcribe", self._transcribe)
            app.router.add_get(f"{prefix}/", self._list_models)
        app.router.add_post("/api/v1/audio/transcriptions", self._transcribe)
        app.router.add_get("/api/v1/models", self._list_models)
        app.router.add_post("/transcribe", self._transcribe)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.root_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._released.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _list_models(self, request: web.Request) -> web.StreamResponse:
        if self.faults:
            return await self._fail(request, self.faults.popleft())
        row: dict[str, object] = {"id": MODEL, "object": "model"}
        if self.shutdown_date is not None:
            row["shutdown_date"] = self.shutdown_date
        return web.json_response({"object": "list", "data": [row]})

    async def _transcribe(self, request: web.Request) -> web.StreamResponse:
        heard = await (_read_json(request) if request.content_type == "application/json" else _read_form(request))
        self.heard.append(heard)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            if self.delay:
                await asyncio.sleep(self.delay)
            return await self._answer(request, heard)
        finally:
            self.running -= 1

    async def _answer(self, request: web.Request, heard: Heard) -> web.StreamResponse:
        if self.faults:
            return await self._fail(request, self.faults.popleft())
        kind = heard.fields.get("response_format", "json")
        if kind == "verbose_json" and not self.knows_times:
            return _refuse(400, "response_format verbose_json is not supported", "unsupported_value")
        said = self.ear(heard) if self.ear else self.text
        if isinstance(said, Fault):
            return await self._fail(request, said)
        if isinstance(said, dict):
            return web.json_response(said)
        if kind == "text":
            return web.Response(text=said + "\n")
        answer: dict[str, object] = {"text": f" {said} ", "usage": {"type": "duration", "seconds": 4}}
        if kind == "verbose_json":
            answer |= {"duration": 4.0, "segments": [{"id": 0, "start": 0.5, "end": 3.5, "text": f" {said}"}]}
        return web.json_response(answer)

    async def _fail(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        if fault is Fault.HANG:
            await self._released.wait()
        if fault in {Fault.HANG, Fault.DISCONNECT}:
            assert request.transport is not None
            request.transport.close()
        return _SAY[fault](request, self.retry_after)


def _refuse(status: int, message: str, code: str, headers: dict[str, str] | None = None) -> web.Response:
    body = {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}
    return web.Response(status=status, text=json.dumps(body), content_type="application/json", headers=headers)


_SAY: dict[Fault, Callable[[web.Request, str], web.Response]] = {
    Fault.UNAUTHORIZED: lambda request, _: _refuse(
        401, f"Incorrect API key provided: {request.headers.get('Authorization', '')[7:]}", "invalid_api_key"
    ),
    Fault.NO_MODEL: lambda *_: _refuse(404, "The model does not exist", "model_not_found"),
    Fault.WRONG_METHOD: lambda *_: web.Response(status=405, text="Method Not Allowed"),
    Fault.TOO_LARGE: lambda *_: _refuse(413, "Request Entity Too Large", "request_too_large"),
    Fault.TOO_MANY: lambda _, wait: _refuse(429, "Rate limit reached", "rate_limit_exceeded", {"Retry-After": wait}),
    Fault.NO_CREDIT: lambda *_: _refuse(429, "You exceeded your current quota", "insufficient_quota"),
    Fault.BROKEN: lambda *_: _refuse(500, "Internal error", "internal"),
    Fault.HANG: lambda *_: web.Response(),
    Fault.DISCONNECT: lambda *_: web.Response(),
    Fault.REDIRECT: lambda *_: web.Response(status=307, headers={"Location": "http://127.0.0.1:9/elsewhere"}),
    Fault.HTML: lambda *_: web.Response(text="<html>Welcome to the proxy</html>", content_type="text/html"),
    Fault.NO_TEXT: lambda *_: web.json_response({"result": "?"}),
    Fault.HUGE: lambda *_: web.json_response({"text": "a" * 2_100_000}),
    Fault.EMPTY: lambda *_: web.json_response({"text": ""}),
}


async def _read_form(request: web.Request) -> Heard:
    fields: dict[str, str] = {}
    file_name, content_type, audio = "", "", b""
    async for part in await request.multipart():
        assert isinstance(part, BodyPartReader)
        if part.filename:
            file_name, content_type = part.filename, part.headers.get("Content-Type", "")
            audio = bytes(await part.read(decode=False))
        else:
            fields[part.name or ""] = await part.text()
    return Heard(request.headers.get("Authorization", ""), fields, file_name, content_type, audio)


async def _read_json(request: web.Request) -> Heard:
    body = json.loads(await request.read())
    sound = body.pop("input_audio")
    return Heard(
        request.headers.get("Authorization", ""),
        body,
        f"voice.{sound['format']}",
        request.content_type,
        base64.b64decode(sound["data"], validate=True),
    )
