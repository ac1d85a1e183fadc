"""From the bytes of a streamed answer to its text: pure logic, every chunk parsed once.

The bytes come in whatever pieces TCP made of them. Lines are cut as bytes, so a character split between two reads is
whole again before anything decodes it. What one read brought is joined into one piece of text.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from beseda.domain.usage import Usage
from beseda.errors import ProtocolError
from beseda.llm.base import FinishReason

_MAX_LINE_BYTES = 1024 * 1024

_MAX_MARK_BYTES = 24  # a longer line cannot be the end's mark

_REASONS = {
    "stop": FinishReason.STOP,
    "eos": FinishReason.STOP,
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "max_tokens": FinishReason.LENGTH,
    "content_filter": FinishReason.FILTER,
    "blacklist": FinishReason.FILTER,
    "tool_calls": FinishReason.TOOL,
    "function_call": FinishReason.TOOL,
}


class InnerFaultError(Exception):
    """The stream carried an error object; `error` is what it held. Never leaves the wire."""

    def __init__(self, error: object) -> None:
        super().__init__()
        self.error = error


class AnswerReader:
    """Collects an answer from the pieces of a server-sent event stream, or from one JSON body."""

    __slots__ = ("_rest", "_texts", "_thoughts", "_usage_wrapper", "done", "model", "reason", "started", "usage")

    def __init__(self, *, usage_wrapper: str = "") -> None:
        self._usage_wrapper = usage_wrapper
        self._rest = b""
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self.started = False
        """Anything at all was understood."""
        self.done = False
        """The end was announced: nothing after it counts."""
        self.reason: FinishReason | None = None
        self.usage: Usage | None = None
        self.model = ""

    def feed(self, data: bytes) -> None:
        """Take the next bytes. Raises ProtocolError for a line that is no JSON, InnerFaultError for an error object."""
        lines = (self._rest + data).split(b"\n") if self._rest else data.split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            if len(line) > 1 and not self.done:
                self._read_line(line)
        if len(self._rest) > _MAX_LINE_BYTES:
            raise ProtocolError(f"a line of more than {_MAX_LINE_BYTES} bytes")

    def finish(self) -> None:
        """Take a last line that no line end followed."""
        line, self._rest = self._rest, b""
        if line.strip() and not self.done:
            self._read_line(line)

    def read_body(self, body: bytes) -> None:
        """Take a whole answer: what a server that does not stream gives to a request for a stream."""
        self._read_json(body)
        self.done = True

    def take_text(self) -> str:
        """Return what was said since the last call."""
        return _take(self._texts)

    def take_thought(self) -> str:
        """Return what was thought aloud since the last call."""
        return _take(self._thoughts)

    def _read_line(self, line: bytes) -> None:
        if line.startswith(b"data:"):
            if len(line) > _MAX_MARK_BYTES:
                self._read_json(line[5:])
            elif mark := line[5:].strip():
                self._read_mark(mark)
        elif line.startswith(b"error:"):  # how some local servers end a stream that failed
            self._read_json(b'{"error":' + line[6:] + b"}")
        elif line.startswith(b"{"):  # an error in the place of an event
            self._read_json(line)
        # Everything else is a comment, a field that we do not need, or an empty line.

    def _read_mark(self, mark: bytes) -> None:
        if mark == b"[DONE]":
            self.done = True
        else:
            self._read_json(mark)

    def _read_json(self, data: bytes) -> None:
        try:
            chunk = orjson.loads(data)
        except orjson.JSONDecodeError:
            raise ProtocolError(f"a chunk of {len(data)} bytes that is not JSON") from None
        self.started = True
        try:
            self._read_chunk(chunk)
        except (AttributeError, TypeError, LookupError, ValueError):
            raise ProtocolError(f"a chunk of {len(data)} bytes in another shape than the API's") from None

    def _read_chunk(self, chunk: dict[str, Any]) -> None:
        if error := chunk.get("error"):
            raise InnerFaultError(error)
        if not self.model and isinstance(model := chunk.get("model"), str):
            self.model = model
        if choices := chunk.get("choices"):
            self._read_choice(choices[0])
        elif "choices" not in chunk and ("detail" in chunk or "message" in chunk):
            raise InnerFaultError(chunk.get("detail") or chunk.get("message"))
        usage = chunk.get("usage")
        if usage is None and self._usage_wrapper and (wrapper := chunk.get(self._usage_wrapper)):
            usage = wrapper.get("usage")
        if usage:
            self.usage = _parse_usage(usage)

    def _read_choice(self, choice: Mapping[str, Any]) -> None:
        delta = choice.get("delta") or choice.get("message")
        if isinstance(delta, dict):
            if content := (delta.get("content") or delta.get("refusal")):
                self._texts.append(content if type(content) is str else _join_parts(content))
            if thought := (delta.get("reasoning_content") or delta.get("reasoning")):
                self._thoughts.append(thought if type(thought) is str else _join_parts(thought))
        if reason := choice.get("finish_reason"):
            if error := choice.get("error"):
                raise InnerFaultError(error)
            if reason == "error":
                raise InnerFaultError({"message": "finish_reason: error"})
            self.reason = _REASONS.get(str(reason).lower(), FinishReason.UNKNOWN)


def _take(pieces: list[str]) -> str:
    if not pieces:
        return ""
    text = pieces[0] if len(pieces) == 1 else "".join(pieces)
    pieces.clear()
    return text


def _join_parts(content: object) -> str:
    if not isinstance(content, list):
        return ""
    return "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))


def _parse_usage(usage: object) -> Usage | None:
    if not isinstance(usage, dict):
        return None
    cost = usage.get("cost")
    return Usage(
        prompt_tokens=_to_count(usage.get("prompt_tokens")),
        completion_tokens=_to_count(usage.get("completion_tokens")),
        cost=float(cost) if isinstance(cost, int | float) else None,
    )


def _to_count(value: object) -> int:
    return max(0, int(value)) if isinstance(value, int | float) else 0
