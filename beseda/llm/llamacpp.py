"""llama.cpp's own `llama-server`, and `python -m llama_cpp.server`, which is another program.

The chat route, which both have, comes first: the server knows its model's template. `/completion` is for builds without
it. Context and token counts come from `/props` and `/tokenize` on the first and `/extras/tokenize/count` on the second.
Facts: the sources of both, llama-cpp-python 0.3.36.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from yarl import URL

from beseda.core.clock import Clock
from beseda.core.foreign_json import load_json
from beseda.core.message import Message, Role
from beseda.core.usage import Usage
from beseda.http.client import HttpAnswer, HttpClient
from beseda.http.endpoints import Endpoint
from beseda.llm._chunks import AnswerReader, InnerFaultError
from beseda.llm.base import FinishReason, ModelRequest, Timeouts
from beseda.llm.dialect import ChatDialect, spell_schema
from beseda.llm.fitting import alternate
from beseda.llm.openai_compatible import Connection, OpenAICompatibleModel, find_root
from beseda.llm.structured import list_numbers
from beseda.llm.token_estimate import CountMemory

# `/completion` would go on until the context is full.
_MAX_TOKENS = 1024
# `python -m llama_cpp.server` does not tell; this is its default.
_USUAL_CONTEXT = 2048
_REMEMBER_CONTEXT = 300.0  # seconds: the server may come back with another model

_NAMES = {Role.USER: "User", Role.ASSISTANT: "Assistant"}
_STOPS = {"eos": FinishReason.STOP, "word": FinishReason.STOP, "limit": FinishReason.LENGTH}


class CompletionDialect(ChatDialect):
    """`POST /completion` with the conversation as a text, for a server without a chat route."""

    def locate(self, base: URL) -> URL:
        return find_root(base) / "completion"

    def build_fields(self, request: ModelRequest, model: str) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "prompt": write_prompt(alternate(spell_schema(request).messages)),
            "n_predict": request.max_tokens or _MAX_TOKENS,
            # Not at an empty line: that would cut every answer of more than one paragraph.
            "stop": ["\nUser:"],
            "stream": True,
            "cache_prompt": True,
        }
        if request.schema is not None:
            fields["json_schema"] = list_numbers(
                request.schema
            )  # llama.cpp, tools/server/README: a field of this route's own
        if request.temperature is not None:
            fields["temperature"] = request.temperature
        return fields

    def open_reader(self) -> AnswerReader:
        return CompletionReader()


class CompletionReader(AnswerReader):
    """Collects the answer of `/completion`."""

    def __init__(self) -> None:
        super().__init__()
        self._begun = False

    def _read_chunk(self, chunk: dict[str, Any]) -> None:
        if error := chunk.get("error"):
            raise InnerFaultError(error)
        if "content" not in chunk and "stop" not in chunk:
            if said := chunk.get("detail") or chunk.get("message"):
                raise InnerFaultError(said)
            raise LookupError("content")
        if content := chunk.get("content"):
            self._take(str(content))
        if isinstance(model := chunk.get("model"), str):
            self.model = model
        if chunk.get("stop"):
            self._take_end(chunk)

    def _take(self, content: str) -> None:
        if not self._begun:
            content = content.lstrip()  # "Assistant:" makes a model begin with a space
            self._begun = bool(content)
        if content:
            self._texts.append(content)

    def _take_end(self, chunk: Mapping[str, Any]) -> None:
        kind = str(chunk.get("stop_type") or "")
        if not kind or kind == "none":  # builds before stop_type
            kind = "limit" if chunk.get("stopped_limit") else "eos" if chunk.get("stopped_eos") else "word"
        self.reason = _STOPS.get(kind, FinishReason.UNKNOWN)
        prompt, said = chunk.get("tokens_evaluated"), chunk.get("tokens_predicted")
        if isinstance(prompt, int) and isinstance(said, int):
            self.usage = Usage(prompt, said)
        self.done = True


class LlamaMeasuring:
    """Context and token counts as the server reports them. `size` is the context in the settings, 0 if not set."""

    def __init__(self, wire: OpenAICompatibleModel, base_url: str, clock: Clock, *, size: int = 0) -> None:
        self._wire = wire
        self._root = find_root(URL(base_url))
        self._clock = clock
        self._told = size
        self._size: int | None = None
        self._size_until = 0.0
        self._memory = CountMemory()
        self._route = 0

    async def context_size(self) -> int | None:
        """Return the context of one conversation: by `/props`, else by the settings, else the default of 2,048 tokens.

        The settings also limit the size that `/props` reports. While the model is loading, return the settings' size or
        None. Raises RemoteError if the server does not answer.
        """
        if self._size is None or self._clock.monotonic() >= self._size_until:
            answer = await self._wire.get(self._root / "props")
            if answer.status == 503:  # still loading: what it will read is not known yet
                return self._told or None
            self._size = _read_context(answer) or self._told or _USUAL_CONTEXT
            self._size_until = self._clock.monotonic() + _REMEMBER_CONTEXT
        return min(self._size, self._told) if self._told else self._size

    async def count_tokens(self, text: str) -> int | None:
        """Return the tokens of `text`, or None if the server has no route for that. Raises RemoteError."""
        if (known := self._memory.find(text)) is not None:
            return known
        count = await self._ask_length(text)
        if count is not None:
            self._memory.keep(text, count)
        return count

    async def _ask_length(self, text: str) -> int | None:
        routes = (("tokenize", "content"), ("extras/tokenize/count", "input"))
        while self._route < len(routes):
            path, field = routes[self._route]
            answer = await self._wire.post(self._root.joinpath(*path.split("/")), {field: text})
            if answer.status == 200:
                return _read_length(answer)
            if answer.status not in (404, 405):
                return None
            self._route += 1
        return None


def build_llamacpp(
    connection: Connection, http: HttpClient, timeouts: Timeouts, clock: Clock, *, context: int = 0
) -> OpenAICompatibleModel:
    """Return a model at a llama.cpp server.

    `context` (tokens) limits the size that the server reports and replaces a missing one; 0 if not set.
    """
    row = connection.endpoint
    wire = OpenAICompatibleModel(connection, http, timeouts, dialects=list_dialects(row))
    wire.reported = LlamaMeasuring(wire, connection.base_url, clock, size=context)
    return wire


def list_dialects(row: Endpoint) -> list[ChatDialect]:
    """Return the routes to try, the better one first."""
    return [ChatDialect(row), CompletionDialect(row)]


def write_prompt(messages: Sequence[Message]) -> str:
    """Return a conversation as a text that a model without a template goes on with."""
    lines = [
        message.content if message.role is Role.SYSTEM else f"{_NAMES[message.role]}: {message.content}"
        for message in messages
    ]
    return "\n".join([*lines, "Assistant:"])


def _read_context(answer: HttpAnswer) -> int | None:
    if answer.status != 200:
        return None
    try:
        fields = load_json(answer.body)
        return int(fields["default_generation_settings"]["n_ctx"])  # of one slot: what one conversation has
    except (LookupError, TypeError, ValueError):
        return None


def _read_length(answer: HttpAnswer) -> int | None:
    try:
        fields = load_json(answer.body)
        return int(fields["count"]) if "count" in fields else len(fields["tokens"])
    except (LookupError, TypeError, ValueError):
        return None
