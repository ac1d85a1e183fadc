"""Parsing of a streamed answer from bytes to text. Does no I/O and parses every chunk once.

The bytes come in arbitrary pieces from TCP. Lines are split as bytes, so a character split between two reads is
complete before it is decoded. The text of one read is joined into one piece.
"""

from codecs import BOM_UTF8
from collections.abc import Mapping
from math import isfinite
from typing import Any

import orjson

from beseda.core.errors import ProtocolError
from beseda.core.foreign_json import has_surrogates, join_surrogates, load_json
from beseda.core.usage import Usage
from beseda.llm.base import FinishReason
from beseda.llm.thoughts import ThoughtFilter

MAX_ANSWER_BYTES = 8 * 1024 * 1024  # of an answer that is no stream of events
_MAX_LINE_BYTES = 1024 * 1024  # of a line, and of an event in several lines

_END_MARK = b"[DONE]"
_MAX_MARK_BYTES = 24  # a longer line cannot be the end's mark
_FIELDS = (b":", b"event", b"id", b"retry", b"data")
_STRANGE_BYTES = 200

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
# Kinds of parts where content is a list: OpenAI, Mistral (docs.mistral.ai, reasoning: {"type": "thinking"}).
_TEXT_PARTS = frozenset({"text", "output_text", "refusal"})
_THOUGHT_PARTS = frozenset({"thinking", "reasoning", "reasoning_text", "thought"})
_ANY_PARTS = _TEXT_PARTS | _THOUGHT_PARTS


class InnerFaultError(Exception):
    """The stream carried an error object, kept in `error`. Never leaves the modules that read the stream."""

    def __init__(self, error: object) -> None:
        super().__init__()
        self.error = error


class AnswerReader:
    """Collects an answer from the pieces of a server-sent event stream, of lines of JSON, or of one JSON body.

    The first bytes decide which of them it is, never the label that a server puts on it. Events follow the rules of
    the WHATWG (html.spec.whatwg.org, "Interpreting an event stream"), and an event needs no empty line after it.
    """

    def __init__(self, *, usage_wrapper: str = "") -> None:
        self._usage_wrapper = usage_wrapper
        self._opened = self._is_body = self._looked = self._skip_newline = False
        self._kept = b""
        self._rest: list[bytes] = []
        self._size = 0
        self._data: list[bytes] = []
        self._surrogate = ""
        self._sorting = ThoughtFilter()
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self.started = False
        """Anything at all was understood."""
        self.done = False
        """The end was announced: nothing after it counts."""
        self.is_page = False
        """The answer is a web page."""
        self.strange = b""
        """The first line that is no field of an event stream."""
        self.reason: FinishReason | None = None
        self.usage: Usage | None = None
        self.model = ""

    @property
    def thinks_first(self) -> bool:
        """Whether the answer began with a thought that had no opening mark."""
        return self._sorting.unopened

    def expect_thought(self) -> None:
        """Take the beginning of the answer for a thought, though no mark opens it, until one closes it."""
        self._sorting = ThoughtFilter(opened=True)

    def feed(self, data: bytes) -> None:
        """Take the next bytes. Raises ProtocolError for no JSON, InnerFaultError for an error object."""
        if not self._opened and not (data := self._begin(data)):
            return
        if not self._is_body:
            self._split(data)
            return
        self._keep(data)
        if b"\n" in data and not self._looked:
            self._look()

    def finish(self) -> None:
        """Take the end: a last event that no line end followed, or the body. Raises like `feed`."""
        rest, self._rest = b"".join(self._rest), []
        if self._is_body:
            if rest.strip():
                self._read_json(rest)
                self.done = True
        elif not self.done:
            if rest.strip():
                self._read_line(rest)
            self._read_event()
        self._end_text()

    def take_text(self) -> str:
        """Return the answer since the last call."""
        self._sort()
        return self._sorting.take_text()

    def take_thought(self) -> str:
        """Return the reasoning since the last call, from its separate field or from within the answer."""
        self._sort()
        self._thoughts.append(self._sorting.take_thought())
        return _take(self._thoughts)

    def take_withdrawal(self) -> bool:
        """Return whether the text that was taken before turned out to be a thought."""
        self._sort()
        return self._sorting.take_withdrawal()

    def _begin(self, data: bytes) -> bytes:
        """Return `data` without a byte order mark and white space; empty until the first byte of use has come."""
        data = self._kept + data
        if len(data) < len(BOM_UTF8) and BOM_UTF8.startswith(data):
            self._kept = data
            return b""
        self._kept = b""
        self._size += len(data)
        if self._size > MAX_ANSWER_BYTES:
            raise ProtocolError(f"an answer of more than {MAX_ANSWER_BYTES} bytes")
        data = data.removeprefix(BOM_UTF8).lstrip()
        if data:
            self._opened, self._size = True, 0
            self.is_page = data.startswith(b"<")
            self._is_body = data.startswith((b"{", b"["))
        return data

    def _look(self) -> None:
        """If the first line is a complete JSON value, parse line by line instead of waiting for the end of the body."""
        self._looked = True
        kept = b"".join(self._rest)
        if _is_json(kept.partition(b"\n")[0]):
            self._is_body, self._size = False, 0
            self._rest.clear()
            self._split(kept)

    def _keep(self, data: bytes) -> None:
        self._rest.append(data)
        self._size += len(data)
        if self._size > MAX_ANSWER_BYTES:
            raise ProtocolError(f"an answer of more than {MAX_ANSWER_BYTES} bytes")

    def _split(self, data: bytes) -> None:
        """Cut lines, which end in CR, LF or both."""
        if self._skip_newline and data.startswith(b"\n"):
            data = data[1:]
        if not data:
            return
        self._skip_newline = data.endswith(b"\r")
        lines = data.splitlines()
        rest = b"" if data.endswith((b"\n", b"\r")) else lines.pop()
        if lines and self._rest:
            lines[0] = b"".join([*self._rest, lines[0]])
            self._rest.clear()
            self._size = 0
        for line in lines:
            if self.done:
                return
            _check_length(len(line))
            self._read_line(line)
        if rest:
            self._rest.append(rest)
            self._size += len(rest)
            _check_length(self._size)

    def _read_line(self, line: bytes) -> None:
        if line.startswith(b"data:"):
            self._read_data(line[5:])
        elif not line:
            self._read_event()
        elif line.startswith(b"error:"):  # how some local servers end a stream that failed
            self._read_json(b'{"error":' + line[6:] + b"}")
        elif line.startswith(b"{"):  # an error in the place of an event
            self._read_json(line)
        elif not self.strange and not line.startswith(_FIELDS):
            self.strange = line[:_STRANGE_BYTES]

    def _read_data(self, data: bytes) -> None:
        """Take a line of an event. A whole value is an event: some servers put no empty line between two."""
        if self._data:
            self._data.append(data)
            _check_length(sum(map(len, self._data)))
        elif len(data) <= _MAX_MARK_BYTES and data.strip() == _END_MARK:
            self._end()
        else:
            try:
                chunk = orjson.loads(data)
            except orjson.JSONDecodeError:
                self._data.append(data)
            else:
                self._take_chunk(chunk, len(data))

    def _read_event(self) -> None:
        """Parse an event with data in several lines, or with JSON that only the lenient parser accepts."""
        lines, self._data = self._data, []
        data = b"\n".join(lines)
        if data.strip() == _END_MARK:
            self._end()
        elif data.strip():
            self._read_json(data)

    def _read_json(self, data: bytes) -> None:
        try:
            chunk = load_json(data, keep_surrogates=True)
        except ValueError:
            raise ProtocolError(f"a chunk of {len(data)} bytes that is not JSON") from None
        self._take_chunk(chunk, len(data))

    def _take_chunk(self, chunk: Any, size: int) -> None:
        self.started = True
        try:
            self._read_chunk(chunk)
        except (AttributeError, TypeError, LookupError, ValueError, OverflowError):
            raise ProtocolError(f"a chunk of {size} bytes in another shape than the API's") from None

    def _end(self) -> None:
        self.done = True
        self._end_text()

    def _end_text(self) -> None:
        self._sort()
        self._sorting.feed(join_surrogates(self._surrogate))
        self._surrogate = ""
        self._sorting.finish()

    def _sort(self) -> None:
        """Separate reasoning from text in the pieces received since the last call."""
        if not (text := _take(self._texts)):
            return
        if self._surrogate or has_surrogates(text):
            text = self._surrogate + text
            self._surrogate = text[-1] if "\ud800" <= text[-1] <= "\udbff" else ""
            text = join_surrogates(text[: len(text) - len(self._surrogate)])
        self._sorting.feed(text)

    def _read_chunk(self, chunk: dict[str, Any]) -> None:
        if error := chunk.get("error"):
            raise InnerFaultError(error)
        if not self.model and isinstance(model := chunk.get("model"), str):
            self.model = model
        whole = False
        if choices := chunk.get("choices"):
            self._read_choice(choices[0])
            whole = "message" in choices[0] and "delta" not in choices[0]
        elif "choices" not in chunk and ("detail" in chunk or "message" in chunk):
            raise InnerFaultError(chunk.get("detail") or chunk.get("message"))
        usage = chunk.get("usage")
        if usage is None and self._usage_wrapper and (wrapper := chunk.get(self._usage_wrapper)):
            usage = wrapper.get("usage")
        if usage:
            self.usage = _parse_usage(usage)
        self.done = self.done or whole

    def _read_choice(self, choice: Mapping[str, Any]) -> None:
        delta = choice.get("delta") or choice.get("message")
        if isinstance(delta, dict):
            if content := (delta.get("content") or delta.get("refusal")):
                if type(content) is str:
                    self._texts.append(content)
                else:
                    self._texts.append(_join_parts(content, _TEXT_PARTS))
                    self._thoughts.append(_join_parts(content, _THOUGHT_PARTS))
            if thought := (delta.get("reasoning_content") or delta.get("reasoning") or delta.get("thinking")):
                self._sorting.expect_none()  # the server keeps thoughts apart itself
                self._thoughts.append(thought if type(thought) is str else _join_parts(thought, _ANY_PARTS))
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


def _join_parts(content: object, kinds: frozenset[str]) -> str:
    """Return the texts of the parts of these kinds; the text of a thought may be a list of parts itself."""
    if not isinstance(content, list):
        return ""
    said = []
    for part in content:
        if isinstance(part, dict) and str(part.get("type") or "text") in kinds:
            text = part.get("text") or part.get("thinking") or part.get("content") or ""
            said.append(text if isinstance(text, str) else _join_parts(text, _ANY_PARTS))
    return "".join(said)


def _check_length(size: int) -> None:
    if size > _MAX_LINE_BYTES:
        raise ProtocolError(f"a line of more than {_MAX_LINE_BYTES} bytes")


def _is_json(line: bytes) -> bool:
    try:
        load_json(line)
    except ValueError:
        return False
    return True


def _parse_usage(usage: object) -> Usage | None:
    if not isinstance(usage, dict):
        return None
    cost = usage.get("cost")
    return Usage(
        prompt_tokens=_to_count(usage.get("prompt_tokens")),
        completion_tokens=_to_count(usage.get("completion_tokens")),
        cost=float(cost) if isinstance(cost, int | float) and isfinite(cost) else None,
    )


def _to_count(value: object) -> int:
    return max(0, int(value)) if isinstance(value, int | float) and isfinite(value) else 0
