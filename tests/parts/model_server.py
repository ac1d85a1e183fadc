"""A scripted model server: speaks the OpenAI wire over real HTTP on loopback, and misbehaves as told.

    async with ModelServer() as server:
        server.script(Reply(text=["Hel", "lo"]), refuse(429, headers={"Retry-After": "2"}))

Each chat request takes the next reply; when the script is over, `server.default` answers. `server.requests` holds what
came. `POST …/chat/completions`, `GET …/models`, `GET …/key` and `GET /health` answer under any prefix.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import orjson
from aiohttp import web

if TYPE_CHECKING:
    import ssl

SERVED_MODEL = "test/served-model"
PAGE = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """How one request is answered. The first that is set of `hang`, `body`, `raw` decides; else `text` is streamed.

    `text` is one string or a piece per chunk. `cut_after` breaks the TCP connection after that many chunks, `then` is
    put into the stream after the text (an error object, garbage), in the place of the end. `tcp_size` writes the
    whole stream in pieces of so many bytes, whatever that cuts in two. `endless` repeats the text for ever.
    """

    text: str | Sequence[str] = ("Привет", "! I am **fine** ", "😀.")
    reasoning: str = ""
    delay: float = 0.0
    chunk_delay: float = 0.0
    usage: tuple[int, int] | None = (12, 7)
    cost: float | None = None
    finish: str | None = "stop"
    done: bool = True
    comments: Sequence[str] = ()
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    raw: Sequence[bytes] | None = None
    then: bytes | None = None
    cut_after: int | None = None
    tcp_size: int | None = None
    endless: bool = False
    hang: bool = False

    @property
    def pieces(self) -> list[str]:
        return [self.text] if isinstance(self.text, str) else list(self.text)


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


def refuse(status: int, error: object = None, **more: Any) -> Reply:
    """An HTTP error with `error` as OpenAI wraps it (a text stays a text)."""
    body = {
        "error": error if error is not None else {"message": f"scripted {status}", "type": "scripted", "code": None}
    }
    return Reply(status=status, body=orjson.dumps(body), **more)


def answer_json(body: object, status: int = 200) -> Reply:
    """Any JSON body."""
    return Reply(status=status, body=orjson.dumps(body))


def answer_page(status: int = 200) -> Reply:
    """A proxy's web page."""
    return Reply(status=status, body=PAGE, headers={"Content-Type": "text/html"})


def answer_whole(text: str) -> Reply:
    """A whole completion, as from a server that does not stream."""
    message = {"role": "assistant", "content": text}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    usage = {"prompt_tokens": 12, "completion_tokens": 7, "total_tokens": 19}
    return answer_json(
        {"id": "c1", "object": "chat.completion", "model": SERVED_MODEL, "choices": choices, "usage": usage}
    )


def break_after(chunks: int) -> Reply:
    """The connection breaks after so many chunks."""
    return Reply(text=[f"piece {number} " for number in range(chunks + 2)], chunk_delay=0.01, cut_after=chunks)


def fail_midway(error: object, text: str = "Half a ") -> Reply:
    """An error object in the stream after the first words."""
    return Reply(text=[text], chunk_delay=0.01, then=b"data: " + orjson.dumps({"error": error}) + b"\n\n")


def garble_midway() -> Reply:
    """A chunk that is no JSON."""
    return Reply(text=["Half a "], chunk_delay=0.01, then=b'data: {"choices": [{"delta": {"con\n\n')


def say_nothing() -> Reply:
    """An answer without a word."""
    return Reply(text=[])


def fall_silent() -> Reply:
    """No answer, ever."""
    return Reply(hang=True)


def stop_midway() -> Reply:
    """Half an answer, then silence with the connection open."""
    return Reply(text=["Half a ", "sentence"], chunk_delay=0.01, cut_after=1, hang=True)


def repeat_endlessly(phrase: str = "And again. ") -> Reply:
    """The same phrase until the client leaves."""
    return Reply(text=[phrase], endless=True, chunk_delay=0.0005)


# How servers of different makes say that the prompt is too long.
CONTEXT_TOO_LONG: dict[str, Reply] = {
    "openai": refuse(
        400,
        {
            "message": "This model's maximum context length is 8192 tokens. Your messages resulted in 9000 tokens.",
            "type": "invalid_request_error",
            "param": "messages",
            "code": "context_length_exceeded",
        },
    ),
    "openrouter": refuse(
        400, {"message": "This endpoint's maximum context length is 8192 tokens. You requested 9000.", "code": 400}
    ),
    "groq": refuse(
        400, {"message": "Please reduce the length of the messages or completion.", "type": "invalid_request_error"}
    ),
    "groq-413": refuse(413, {"message": "Request too large", "type": "tokens", "code": "rate_limit_exceeded"}),
    "llamacpp": refuse(
        400,
        {
            "code": 400,
            "message": "the request exceeds the available context size",
            "type": "exceed_context_size_error",
            "n_prompt_tokens": 9000,
            "n_ctx": 4096,
        },
    ),
    "llama-cpp-python": refuse(
        400, {"message": "This model's maximum context length is 2048 tokens", "code": "context_length_exceeded"}
    ),
    "vllm": answer_json(
        {"object": "error", "message": "This model's maximum context length is 4096 tokens.", "code": 400}, 400
    ),
    "hf": refuse(422, "Input validation error: `inputs` must have less than 8192 tokens: prompt is too long"),
    "deepseek": refuse(400, {"message": "This model's maximum context length is 131072", "code": "invalid_request"}),
}


class ModelServer:
    """The server; an asynchronous context manager. `url` is its root, `base_url` the root of the API."""

    def __init__(self) -> None:
        self._script: deque[Reply] = deque()
        self._runner: web.AppRunner | None = None
        self._changed = asyncio.Condition()
        self.default = Reply()
        self.models: list[dict[str, Any]] = [{"id": SERVED_MODEL, "object": "model", "owned_by": "test"}]
        self.models_reply: Reply | None = None
        self.health_reply: Reply | None = None
        self.api_key = ""
        self.requests: list[RecordedRequest] = []
        self.probes: list[RecordedRequest] = []
        self.disconnects = 0
        self.completed = 0
        self._peers: set[object] = set()
        self.url = ""
        self.tls: ssl.SSLContext | None = None

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    @property
    def connections(self) -> int:
        """How many connections brought chat requests."""
        return len(self._peers)

    def script(self, *replies: Reply) -> None:
        """Put replies at the end of the script."""
        self._script.extend(replies)

    async def __aenter__(self) -> Self:
        app = web.Application()
        self._add_routes(app.router)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self.tls)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"https://{host}:{port}" if self.tls else f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Close the port: from now on nobody answers."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def wait_for_disconnect(self, number: int = 1, timeout: float = 5.0) -> None:
        """Return once `number` clients have left in the middle of an answer."""
        async with asyncio.timeout(timeout), self._changed:
            await self._changed.wait_for(lambda: self.disconnects >= number)

    async def wait_for_request(self, number: int = 1, timeout: float = 5.0) -> None:
        """Return once `number` chat requests have come."""
        async with asyncio.timeout(timeout), self._changed:
            await self._changed.wait_for(lambda: len(self.requests) >= number)

    def key_sent(self, key: str) -> str:
        """Return what a chat request of somebody with `key` carries as a bearer."""
        return key

    def _add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/{prefix:.*}chat/completions", self._chat)
        router.add_get("/{prefix:.*}models", self._list_models)
        router.add_get("/{prefix:.*}key", self._list_models)
        router.add_get("/health", self._health)

    def _refuse(self, request: RecordedRequest) -> Reply | None:
        """Return what is said to a request that may not come in, or None."""
        if self.api_key and request.headers.get("Authorization") != f"Bearer {self.api_key}":
            return refuse(401, {"message": "Incorrect API key provided", "code": "invalid_api_key"})
        return None

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        recorded = await record_request(request)
        self.requests.append(recorded)
        self._peers.add(request.transport.get_extra_info("peername") if request.transport else None)
        async with self._changed:
            self._changed.notify_all()
        reply = self._script.popleft() if self._script else self.default
        reply = self._refuse(recorded) or reply
        try:
            response = await self._reply(request, recorded, reply)
        except (asyncio.CancelledError, ConnectionError):
            self.disconnects += 1
            async with self._changed:
                self._changed.notify_all()
            raise
        self.completed += 1
        return response

    async def _reply(self, request: web.Request, recorded: RecordedRequest, reply: Reply) -> web.StreamResponse:
        await asyncio.sleep(reply.delay)
        if reply.hang and reply.cut_after is None:
            await asyncio.Event().wait()
        if reply.body is not None:
            headers = {"Content-Type": "application/json", **reply.headers}
            return web.Response(status=reply.status, body=reply.body, headers=headers)
        if not recorded.body.get("stream"):
            whole = answer_whole("".join(reply.pieces)).body
            return web.Response(body=whole, content_type="application/json")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", **reply.headers})
        await response.prepare(request)
        await self._write(request, response, reply)
        return response

    async def _write(self, request: web.Request, response: web.StreamResponse, reply: Reply) -> None:
        if reply.tcp_size is not None:
            stream = b"".join([part async for part in self._list_parts(reply)])
            for start in range(0, len(stream), reply.tcp_size):
                await response.write(stream[start : start + reply.tcp_size])
                await asyncio.sleep(0)
            return
        written = 0
        async for part in self._list_parts(reply):
            if reply.cut_after is not None and written == reply.cut_after:
                if reply.hang:
                    await asyncio.Event().wait()
                if request.transport is not None:
                    request.transport.abort()
                return
            await response.write(part)
            written += 1
            await asyncio.sleep(reply.chunk_delay)

    async def _list_models(self, request: web.Request) -> web.Response:
        self.probes.append(await record_request(request))
        if refusal := self._refuse(self.probes[-1]):
            return _build_response(refusal)
        if self.models_reply is not None:
            return _build_response(self.models_reply)
        return web.json_response({"object": "list", "data": self.models})

    async def _health(self, request: web.Request) -> web.Response:
        self.probes.append(await record_request(request))
        return _build_response(self.health_reply or answer_json({"detail": "Not Found"}, 404))

    async def _list_parts(self, reply: Reply) -> AsyncIterator[bytes]:
        if reply.raw is not None:
            for part in reply.raw:
                yield part
            return
        for comment in reply.comments:
            yield f": {comment}\n\n".encode()
        if reply.reasoning:
            yield build_chunk(delta={"role": "assistant", "content": None, "reasoning": reply.reasoning})
        while True:
            for piece in reply.pieces:
                yield self._write_piece(piece)
            if not reply.endless:
                break
        if reply.then is not None:
            yield reply.then
            return
        for part in self._list_ending(reply):
            yield part

    def _write_piece(self, piece: str) -> bytes:
        return build_chunk(delta={"content": piece})

    def _list_ending(self, reply: Reply) -> Iterator[bytes]:
        if reply.finish is not None:
            yield build_chunk(delta={}, finish_reason=reply.finish)
        if reply.usage is not None:
            usage = count_usage(reply.usage)
            yield build_chunk(usage=usage if reply.cost is None else {**usage, "cost": reply.cost})
        if reply.done:
            yield b"data: [DONE]\n\n"


def count_usage(usage: tuple[int, int]) -> dict[str, Any]:
    """Return tokens read and written as the API says them."""
    prompt, completion = usage
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def build_chunk(
    delta: dict[str, Any] | None = None, finish_reason: str | None = None, usage: dict[str, Any] | None = None
) -> bytes:
    """Return one event of a stream."""
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish_reason}]
    chunk: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_790_000_000,
        "model": SERVED_MODEL,
        "choices": choices,
    }
    if usage is not None:
        chunk["usage"] = usage
    return b"data: " + orjson.dumps(chunk) + b"\n\n"


async def record_request(request: web.Request) -> RecordedRequest:
    body = await request.read()
    return RecordedRequest(request.method, request.path, dict(request.headers), orjson.loads(body) if body else {})


def _build_response(reply: Reply) -> web.Response:
    headers = {"Content-Type": "application/json", **reply.headers}
    return web.Response(status=reply.status, body=reply.body or b"{}", headers=headers)
