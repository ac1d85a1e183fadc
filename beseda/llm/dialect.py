"""How a wire is spoken: the route, the fields of a request, the shape of its answer, and what refusals mean."""

from collections.abc import Sequence
from typing import Any, Protocol

from yarl import URL

from beseda.domain.message import Message
from beseda.errors import CreditExhaustedError, KeyRejectedError, ProtocolError, RemoteError, UnavailableError
from beseda.llm._chunks import AnswerReader
from beseda.llm.base import ModelRequest
from beseda.llm.endpoints import Endpoint


class Dialect(Protocol):
    """One way to ask for a streamed answer."""

    def locate(self, base: URL) -> URL:
        """Return the route under the API's base URL."""
        ...

    def build_fields(self, request: ModelRequest, model: str) -> dict[str, Any]:
        """Return the request's JSON body."""
        ...

    def open_reader(self) -> AnswerReader:
        """Return a reader for one answer."""
        ...

    def explain(self, error: RemoteError) -> str:
        """Return what the owner can do about `error`, for its detail; empty where nothing is known."""
        ...


class ChatDialect:
    """OpenAI's chat completions, as the endpoint's row says it takes them."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def locate(self, base: URL) -> URL:
        return base / "chat/completions"

    def build_fields(self, request: ModelRequest, model: str) -> dict[str, Any]:
        row = self._endpoint
        fields: dict[str, Any] = {"model": model, "messages": build_messages(request.messages), "stream": True}
        if row.usage_in_stream:
            fields["stream_options"] = {"include_usage": True}
        if request.temperature is not None:
            fields["temperature"] = request.temperature
        if request.max_tokens is not None:
            fields[row.max_tokens_field] = request.max_tokens
        if request.user and row.takes_user:
            fields["user"] = request.user
        return fields

    def open_reader(self) -> AnswerReader:
        return AnswerReader(usage_wrapper=self._endpoint.usage_wrapper)

    def explain(self, error: RemoteError) -> str:
        row = self._endpoint
        if isinstance(error, KeyRejectedError):
            return f"check {row.key_variable}" + (f"; a key comes from {row.key_page}" if row.key_page else "")
        if isinstance(error, CreditExhaustedError):
            return row.credit_hint
        if isinstance(error, UnavailableError) and row.is_local and "no connection" in error.detail:
            return f"is {row.title} running? {row.url_variable} says where"
        if isinstance(error, ProtocolError) and ("HTTP 404" in error.detail or "web page" in error.detail):
            return f"{row.url_variable} should be an address like {row.base_url}"
        return ""


def build_messages(messages: Sequence[Message]) -> list[dict[str, str]]:
    """Return messages as the API writes them."""
    return [{"role": message.role, "content": message.content} for message in messages]
