"""Ollama: the OpenAI protocol, and the size of the context. The server cuts longer requests silently.

The size of a loaded model is in `/api/ps`; before it is loaded, `num_ctx` of its Modelfile or the server's default
counts. Facts: docs/api.md and docs/faq.md of ollama/ollama.
"""

import re
from typing import Any

from yarl import URL

from beseda.core.clock import Clock
from beseda.core.foreign_json import load_json
from beseda.http.client import HttpAnswer, HttpClient
from beseda.llm.base import Timeouts
from beseda.llm.openai_compatible import Connection, OpenAICompatibleModel, find_root

_USUAL_CONTEXT = 4096  # of a server without OLLAMA_CONTEXT_LENGTH
_REMEMBER_LOADED, _REMEMBER_GUESS = 300.0, 10.0  # seconds: a model that is loaded for an answer tells its size after it
_NUM_CTX = re.compile(r"^\s*num_ctx\s+(\d+)\s*$", re.MULTILINE)


class OllamaMeasuring:
    """The context of a model as the server reports it, or as answers have shown it."""

    def __init__(self, wire: OpenAICompatibleModel, connection: Connection, clock: Clock) -> None:
        self._wire = wire
        self._root = find_root(URL(connection.base_url))
        self._model = connection.model
        self._clock = clock
        self._size: int | None = None
        self._until = 0.0

    async def context_size(self) -> int | None:
        """Return the context of one conversation in tokens, or None if no route reports it. Raises RemoteError."""
        if self._clock.monotonic() >= self._until:
            loaded = _read_loaded(await self._wire.get(self._root / "api" / "ps"), self._model)
            self._size = loaded or _read_configured(
                await self._wire.post(self._root / "api" / "show", {"model": self._model})
            )
            self._until = self._clock.monotonic() + (_REMEMBER_LOADED if loaded else _REMEMBER_GUESS)
        known = [size for size in (self._size, self._wire.learned_context) if size]
        return min(known, default=None)

    async def count_tokens(self, text: str) -> int | None:
        """Return None: the server has no route that counts tokens."""
        return None


def build_ollama(connection: Connection, http: HttpClient, timeouts: Timeouts, clock: Clock) -> OpenAICompatibleModel:
    """Return a model at an Ollama server."""
    wire = OpenAICompatibleModel(connection, http, timeouts)
    wire.reported = OllamaMeasuring(wire, connection, clock)
    return wire


def _read_loaded(answer: HttpAnswer, model: str) -> int | None:
    """Return the context of a model that is loaded; with no name given, that of the only one."""
    entries = _read(answer).get("models")
    if not isinstance(entries, list):
        return None
    names = {model, f"{model}:latest"}
    for entry in entries:
        if isinstance(entry, dict) and (not model or names & {entry.get("name"), entry.get("model")}):
            return _to_size(entry.get("context_length"))
    return None


def _read_configured(answer: HttpAnswer) -> int | None:
    fields = _read(answer)
    if not fields:
        return None
    found = _NUM_CTX.search(str(fields.get("parameters") or ""))
    facts = fields.get("model_info")
    sizes = facts.items() if isinstance(facts, dict) else ()
    longest = next((_to_size(size) for name, size in sizes if str(name).endswith(".context_length")), None)
    asked = int(found[1]) if found else _USUAL_CONTEXT
    return min(asked, longest) if longest else asked


def _read(answer: HttpAnswer) -> dict[str, Any]:
    try:
        fields = load_json(answer.body) if answer.status == 200 else {}
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _to_size(value: object) -> int | None:
    return value if isinstance(value, int) and value > 0 else None
