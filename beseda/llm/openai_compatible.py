"""The wire that most model servers speak: `POST /chat/completions`, answered by server-sent events.

It knows no vendor: who is at the other end comes as a row of the endpoint table. One answer costs one request, one
timer and one JSON parse per chunk; what one read of the socket brought is one event.
"""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
from yarl import URL

from beseda import __version__
from beseda.domain.usage import Usage
from beseda.errors import ProtocolError, RemoteError, UnavailableError
from beseda.llm._answer import StreamedAnswer
from beseda.llm._chunks import AnswerReader
from beseda.llm._faults import FaultReader, find_refused_parameter
from beseda.llm.base import Finished, FinishReason, ModelEvent, ModelHealth, ModelRequest
from beseda.llm.endpoints import Endpoint
from beseda.llm.estimate import estimate_tokens
from beseda.llm.http import MAX_BODY_BYTES, HttpAnswer, HttpClient, Timeouts, read_bounded

_MESSAGE_TOKENS = 4  # what a chat template puts around each message
_OPTIONAL_FIELDS = frozenset({"temperature", "max_tokens", "max_completion_tokens", "stream_options", "user"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Where a model is reached: an endpoint's row with the address, the key and the model of this installation."""

    endpoint: Endpoint
    base_url: str
    model: str = ""
    api_key: str = field(default="", repr=False)


class OpenAICompatibleModel:
    """A `ChatModel` at an OpenAI-compatible endpoint."""

    def __init__(self, connection: Connection, http: HttpClient, timeouts: Timeouts | None = None) -> None:
        self._connection = connection
        self._endpoint = connection.endpoint
        self._http = http
        self._timeouts = timeouts or Timeouts()
        self._model = connection.model
        self._base = URL(connection.base_url.rstrip("/"))
        self._chat_url = self._base / "chat/completions"
        self._faults = FaultReader(self.name, connection.api_key)
        self._headers = _build_headers(connection)
        # Fields that this model refused once: asking with them again would cost a round trip per message.
        self._refused: set[str] = set()

    @property
    def name(self) -> str:
        return f"{self._endpoint.name}:{self._model}" if self._model else self._endpoint.name

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Yield the answer as it comes. Raises a leaf of RemoteError; closing it closes the connection."""
        started = asyncio.get_running_loop().time()
        response = await self._ask(request)
        reader = AnswerReader(usage_wrapper=self._endpoint.usage_wrapper)
        answer = StreamedAnswer(response, reader, faults=self._faults, timeouts=self._timeouts, started=started)
        try:
            while events := await answer.read_events():
                for event in events:
                    yield event
            yield self._describe_end(answer, request)
        finally:
            answer.close()

    async def check(self) -> ModelHealth:
        """Ask the health route where there is one, then whether the key is good and the model is there."""
        try:
            if self._endpoint.health_path:
                answer = await self._get(self._base.with_path(self._endpoint.health_path))
                if answer.status not in (200, 404, 405):
                    raise self._faults.read_refusal(answer.status, answer.body, answer.headers)
            answer = await self._get(self._base.joinpath(self._endpoint.check_path.lstrip("/")))
            if answer.status != 200:
                raise self._faults.read_refusal(answer.status, answer.body, answer.headers)
        except RemoteError as error:
            loading = isinstance(error, UnavailableError) and "loading" in error.detail.lower()
            return ModelHealth(ok=False, detail=error.detail, loading=loading)
        return self._judge_models(answer.body)

    async def close(self) -> None:
        """Nothing of its own: connections belong to the client, which outlives its models."""

    async def _ask(self, request: ModelRequest) -> aiohttp.ClientResponse:
        if not self._model:
            self._model = await self._find_model()
            self._faults = FaultReader(self.name, self._connection.api_key)
        while True:
            fields = self._build_fields(request)
            response = await self._http.post(
                self._chat_url,
                orjson.dumps(fields),
                self._headers,
                connect=self._timeouts.connect,
                wait=self._timeouts.first_token,
            )
            if response.status == 200:
                return response
            body = await self._read_refusal(response)
            parameter = find_refused_parameter(body) if response.status in (400, 422) else ""
            if parameter not in fields or parameter not in _OPTIONAL_FIELDS:
                raise self._faults.read_refusal(response.status, body, response.headers)
            self._refused.add(parameter)

    async def _read_refusal(self, response: aiohttp.ClientResponse) -> bytes:
        try:
            async with asyncio.timeout(self._timeouts.check):
                return await read_bounded(response, MAX_BODY_BYTES)
        except (aiohttp.ClientError, OSError, ProtocolError):
            return b""  # the status alone says enough
        finally:
            response.release()

    def _build_fields(self, request: ModelRequest) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "model": self._model,
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            "stream": True,
        }
        if self._endpoint.usage_in_stream:
            fields["stream_options"] = {"include_usage": True}
        if request.temperature is not None:
            fields["temperature"] = request.temperature
        if request.max_tokens is not None:
            fields[self._endpoint.max_tokens_field] = request.max_tokens
        if request.user:
            fields["user"] = request.user
        for parameter in self._refused:
            fields.pop(parameter, None)
        return fields

    def _describe_end(self, answer: StreamedAnswer, request: ModelRequest) -> Finished:
        usage = answer.usage
        if usage is None or not usage.total_tokens:
            prompt = sum(estimate_tokens(message.content) + _MESSAGE_TOKENS for message in request.messages)
            cost = usage.cost if usage else None
            usage = Usage(prompt, estimate_tokens(answer.text), cost, estimated=True)
        return Finished(answer.reason or FinishReason.UNKNOWN, usage, self._endpoint.name, answer.model or self._model)

    async def _find_model(self) -> str:
        answer = await self._get(self._base / "models")
        if answer.status != 200:
            raise self._faults.read_refusal(answer.status, answer.body, answer.headers)
        models = list_models(answer.body)
        if not models:
            raise ProtocolError(f"{self.name}: no model is loaded, and none is named in the settings")
        return choose_chat_model(models)

    async def _get(self, url: URL) -> HttpAnswer:
        return await self._http.get(url, self._headers, wait=self._timeouts.check)

    def _judge_models(self, body: bytes) -> ModelHealth:
        models = list_models(body)
        wanted = {self._model, self._model.partition(":")[0]}
        if self._model and models and not self._endpoint.takes_any_model and wanted.isdisjoint(models):
            return ModelHealth(ok=False, detail=f"{self.name}: the endpoint answers, but does not list this model")
        return ModelHealth(ok=True, detail=f"{self.name}: ready")


def list_models(body: bytes) -> list[str]:
    """Return the ids in an OpenAI-like list of models; empty for anything else."""
    try:
        entries = orjson.loads(body)["data"]
        return [str(entry["id"]) for entry in entries]
    except (orjson.JSONDecodeError, LookupError, TypeError):
        return []


def choose_chat_model(models: list[str]) -> str:
    """Return the first of `models` that does not look like one for embeddings or speech."""
    others = ("embed", "bge-", "rerank", "whisper")
    return next((model for model in models if not any(mark in model.lower() for mark in others)), models[0])


def _build_headers(connection: Connection) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json",
        "Accept": "text/event-stream, application/json",
        "Accept-Encoding": "identity",  # a compressed stream waits for a full block
        "User-Agent": f"beseda/{__version__}",
        **connection.endpoint.headers,
    }
    if connection.api_key:
        headers["Authorization"] = f"Bearer {connection.api_key}"
    return headers
