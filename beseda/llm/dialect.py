"""Dialects of the protocol: the route, the fields of a request, the format of its answer, and hints for errors."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Protocol

from yarl import URL

from beseda.core.errors import (
    NO_CONNECTION,
    WEB_PAGE,
    CreditExhaustedError,
    KeyRejectedError,
    ProtocolError,
    RemoteError,
    UnavailableError,
)
from beseda.core.message import Message, Role
from beseda.http.endpoints import Endpoint
from beseda.llm._chunks import AnswerReader
from beseda.llm.base import ModelRequest
from beseda.llm.fitting import alternate
from beseda.llm.structured import is_strict, list_numbers, spell_out, strip_bounds


class Dialect(Protocol):
    """One format of requests for a streamed answer."""

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
        """Return a hint for the owner about `error`, added to its detail, or an empty string."""
        ...


class ChatDialect:
    """OpenAI's chat completions, adapted by the endpoint's row."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def locate(self, base: URL) -> URL:
        return base / "chat/completions"

    def build_fields(self, request: ModelRequest, model: str) -> dict[str, Any]:
        row = self._endpoint
        if request.schema is not None:
            suit = list_numbers if row.is_local else strip_bounds
            request = replace(request, schema=suit(request.schema))
        if request.schema is not None and not row.chat.takes_schema:
            request = spell_schema(request)
        fields: dict[str, Any] = {"model": model, "messages": build_messages(request.messages), "stream": True}
        if request.schema is not None:
            fields["response_format"] = build_response_format(request.schema)
        if row.chat.usage_in_stream:
            fields["stream_options"] = {"include_usage": True}
        if request.temperature is not None:
            fields["temperature"] = request.temperature
        if request.max_tokens is not None:
            fields[row.chat.max_tokens_field] = request.max_tokens
        if request.user and row.chat.takes_user:
            fields["user"] = request.user
        return fields

    def open_reader(self) -> AnswerReader:
        return AnswerReader(usage_wrapper=self._endpoint.chat.usage_wrapper)

    def explain(self, error: RemoteError) -> str:
        row = self._endpoint
        if isinstance(error, KeyRejectedError):
            return f"check {row.key_variable}" + (f"; a key comes from {row.key_page}" if row.key_page else "")
        if isinstance(error, CreditExhaustedError):
            return row.credit_hint
        if isinstance(error, UnavailableError) and row.is_local and error.code == NO_CONNECTION:
            return f"is {row.title} running? {row.url_variable} says where"
        if isinstance(error, ProtocolError) and (error.status == HTTPStatus.NOT_FOUND or error.code == WEB_PAGE):
            return f"{row.url_variable} should be an address like {row.base_url}"
        return ""


def build_messages(messages: Sequence[Message]) -> list[dict[str, str]]:
    """Return messages as the API writes them, in an order that every chat template takes."""
    return [{"role": message.role, "content": message.content} for message in alternate(messages)]


def build_response_format(schema: Mapping[str, object]) -> dict[str, Any]:
    """Return the field that makes a server follow a schema, `strict` if strict mode accepts the schema."""
    described = {"name": "answer", "strict": is_strict(schema), "schema": schema}
    return {"type": "json_schema", "json_schema": described}


def spell_schema(request: ModelRequest) -> ModelRequest:
    """Return the request with its schema written into the system message, for a server without schema support."""
    if request.schema is None:
        return request
    words, messages = spell_out(request.schema), list(request.messages)
    if messages and messages[0].role is Role.SYSTEM:
        messages[0] = Message(Role.SYSTEM, f"{messages[0].content}\n\n{words}")
    else:
        messages.insert(0, Message(Role.SYSTEM, words))
    return replace(request, messages=messages, schema=None)
