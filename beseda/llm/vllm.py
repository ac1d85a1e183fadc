"""vLLM: the OpenAI protocol, its context (`max_model_len`) and token counting (`/tokenize`).

Facts: docs.vllm.ai, online serving.
"""

from yarl import URL

from beseda.core.clock import Clock
from beseda.core.foreign_json import load_json
from beseda.http.client import HttpAnswer, HttpClient
from beseda.llm.base import Timeouts
from beseda.llm.openai_compatible import Connection, OpenAICompatibleModel, find_root
from beseda.llm.token_estimate import CountMemory

_REMEMBER_CONTEXT = 300.0  # seconds: the server may come back with another model


class VllmMeasuring:
    """Context and token counts as the server reports them."""

    def __init__(self, wire: OpenAICompatibleModel, connection: Connection, clock: Clock) -> None:
        self._wire = wire
        self._base = URL(connection.base_url)
        self._model = connection.model
        self._clock = clock
        self._size: int | None = None
        self._size_until = 0.0
        self._memory = CountMemory()

    async def context_size(self) -> int | None:
        """Return the model's length from the list of models, or None if it has none. Raises RemoteError."""
        if self._clock.monotonic() >= self._size_until:
            self._size = _read_length(await self._wire.get(self._base / "models"), self._model)
            self._size_until = self._clock.monotonic() + _REMEMBER_CONTEXT
        return self._size

    async def count_tokens(self, text: str) -> int | None:
        """Return the tokens of `text`, or None if the server does not count. Raises RemoteError."""
        if (known := self._memory.find(text)) is not None:
            return known
        fields = {"prompt": text, "add_special_tokens": False, **({"model": self._model} if self._model else {})}
        answer = await self._wire.post(find_root(self._base) / "tokenize", fields)
        count = _read_count(answer) if answer.status == 200 else None
        if count is not None:
            self._memory.keep(text, count)
        return count


def build_vllm(connection: Connection, http: HttpClient, timeouts: Timeouts, clock: Clock) -> OpenAICompatibleModel:
    """Return a model at a vLLM server."""
    wire = OpenAICompatibleModel(connection, http, timeouts)
    wire.reported = VllmMeasuring(wire, connection, clock)
    return wire


def _read_length(answer: HttpAnswer, model: str) -> int | None:
    try:
        entries = load_json(answer.body)["data"]
        found = next((entry for entry in entries if entry["id"] == model), entries[0])
        return int(found["max_model_len"])
    except (LookupError, TypeError, ValueError):
        return None


def _read_count(answer: HttpAnswer) -> int | None:
    try:
        return int(load_json(answer.body)["count"])
    except (LookupError, TypeError, ValueError):
        return None
