"""An OpenAI-compatible model for load: it answers any question after a set time, whole or in chunks, and names it."""

import asyncio
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

import orjson

from bench.http_server import Request, chunk

MODEL = "bench"
QUESTION = re.compile(r"q\d+-\d+")
"""What marks a question, and the answer to it."""

END = "all there is to say"
"""What only a whole answer has in it."""

# The formatting is part of what is measured: an answer as models write them.
_ANSWER = """**Answer to {mark}.** Here is what matters, in a few words:

- *First*, a list with `code` and a [link](https://example.org/{mark}) in it.
- Second, **two** things at once: 2 < 3 & 5 > 4.

```python
def answer(question: str) -> str:
    return f"{{question}} is answered"
```

1. Numbers go on for a while, so that the text has the length of a usual answer.
2. That is about seven hundred characters, with a quote at the end.

> A conversation is two people who listen to each other, one after the other.

And a last sentence that says in plain words that this was all there is to say about it.
"""


@dataclass(frozen=True, slots=True)
class Tempo:
    """How long an answer takes, in seconds, and in how many chunks it comes when it is streamed."""

    least: float = 0.0
    most: float = 0.0
    chunks: int = 1


@dataclass(frozen=True, slots=True)
class _Call:
    request: Request
    mark: str
    started: float


class ModelServer:
    """Answers questions; `on_answered` hears of each: its mark and the seconds that the answer took here."""

    def __init__(self, on_answered: Callable[[str, float], None], *, seed: int = 0) -> None:
        self.tempo = Tempo()
        self.calls = 0
        self._on_answered = on_answered
        self._random = random.Random(seed)

    def handle(self, request: Request) -> None:
        """Answer one request."""
        if request.path == "/v1/models":
            request.connection.reply(orjson.dumps({"object": "list", "data": [{"id": MODEL, "object": "model"}]}))
        elif request.path == "/v1/chat/completions":
            self._answer(request)
        else:
            request.connection.reply(b"{}", status=b"404 Not Found" if request.path != "/health" else b"200 OK")

    def _answer(self, request: Request) -> None:
        started = time.perf_counter()
        self.calls += 1
        fields = orjson.loads(request.body)
        found = QUESTION.search(fields["messages"][-1]["content"])
        call = _Call(request, found[0] if found else "", started)
        tempo = self.tempo
        delay = self._random.uniform(tempo.least, tempo.most)
        if not fields.get("stream"):
            self._later(delay, self._reply_whole, call)
        elif not delay:
            request.connection.begin_stream()
            request.connection.write(b"".join(_events(call.mark, tempo.chunks)))
            self._note(call)
        else:
            self._stream(call, _events(call.mark, tempo.chunks), delay)

    def _reply_whole(self, call: _Call) -> None:
        message = {"role": "assistant", "content": _ANSWER.format(mark=call.mark)}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        body = {"id": "c", "object": "chat.completion", "created": 1, "model": MODEL, "choices": [choice]}
        call.request.connection.reply(orjson.dumps({**body, "usage": _USAGE}))
        self._note(call)

    def _stream(self, call: _Call, events: list[bytes], delay: float) -> None:
        """Spread the events over the delay: the last one ends the answer."""
        call.request.connection.begin_stream()
        due = call.started
        loop = asyncio.get_running_loop()
        pace = delay / (len(events) - 1)
        sent = 0

        def send_next() -> None:
            nonlocal sent, due
            if sent < len(events) - 1:
                call.request.connection.write(events[sent])
                sent, due = sent + 1, due + pace
                if call.request.connection.is_open:
                    loop.call_later(max(0.0, due - time.perf_counter()), send_next)
            else:
                call.request.connection.write(events[sent])
                self._note(call)

        loop.call_later(pace, send_next)

    def _later(self, delay: float, answer: Callable[[_Call], None], call: _Call) -> None:
        if delay:
            asyncio.get_running_loop().call_later(delay, answer, call)
        else:
            answer(call)

    def _note(self, call: _Call) -> None:
        self._on_answered(call.mark, time.perf_counter() - call.started)


_USAGE = {"prompt_tokens": 120, "completion_tokens": 180, "total_tokens": 300}


def _events(mark: str, chunks: int) -> list[bytes]:
    """Return the answer as server-sent events, one for each chunk; the last carries usage and the end, too."""
    text = _ANSWER.format(mark=mark)
    size = -(-len(text) // chunks)
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    events = [chunk(_event({"delta": {"content": piece}, "finish_reason": None})) for piece in pieces]
    usage = orjson.dumps({**_ENVELOPE, "choices": [], "usage": _USAGE})
    last = _event({"delta": {}, "finish_reason": "stop"}) + b"data: %b\n\ndata: [DONE]\n\n" % usage
    events.append(chunk(last) + chunk(b""))
    return events


_ENVELOPE = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": MODEL}


def _event(choice: dict[str, object]) -> bytes:
    return b"data: %b\n\n" % orjson.dumps({**_ENVELOPE, "choices": [{"index": 0, **choice}]})
