"""A `ChatModel` in the process that gives scripted answers: for tests, for the sandbox, for experiments.

    model = ScriptedModel(["Hello!", UnavailableError("down"), ScriptedAnswer(pieces=("slow", "ly"), pause=1.0)])

Each request takes the next entry. A text is one answer, an error is raised before the first word, and a
`ScriptedAnswer` sets everything: pieces, pauses on the clock, reasoning, usage, an error in the middle. A function gets
the request and returns any of these. When the script is over, `fallback` answers, or LookupError is raised.
"""

from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass, field

from beseda.core.clock import Clock, SystemClock
from beseda.core.errors import BesedaError
from beseda.core.usage import Usage
from beseda.llm.base import (
    Finished,
    FinishReason,
    ModelEvent,
    ModelHealth,
    ModelRequest,
    ReasoningDelta,
    TextDelta,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedAnswer:
    """One answer. Waits `delay` seconds, then yields `pieces` with `pause` seconds before each but the first.

    `error` is raised after the pieces, in place of the end.
    """

    pieces: tuple[str, ...] = ()
    reasoning: str = ""
    delay: float = 0.0
    pause: float = 0.0
    reason: FinishReason = FinishReason.STOP
    usage: Usage = field(default_factory=lambda: Usage(10, 5))
    error: BesedaError | None = None


Script = str | BesedaError | ScriptedAnswer | Callable[[ModelRequest], "str | BesedaError | ScriptedAnswer"]


class ScriptedModel:
    """Answers from a queue and records its requests.

    `requests` are all requests, `running` is the number of answers under way, `most_running` the highest number at one
    time, `left` the number that a consumer abandoned before their end.
    """

    def __init__(
        self,
        script: Iterable[Script] = (),
        *,
        clock: Clock | None = None,
        name: str = "scripted:model",
        fallback: Script | None = None,
    ) -> None:
        self._script = deque(script)
        self._clock = clock or SystemClock()
        self._name = name
        self.fallback = fallback
        self.health = ModelHealth(ok=True, detail=f"{name}: ready")
        self.requests: list[ModelRequest] = []
        self.running = 0
        self.most_running = 0
        self.left = 0
        self.closed = False

    @property
    def name(self) -> str:
        return self._name

    @property
    def waiting(self) -> int:
        """How many entries of the script are still to come."""
        return len(self._script)

    def add(self, *entries: Script) -> None:
        """Put entries at the end of the script."""
        self._script.extend(entries)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Yield the next answer of the script. Raises the error of the script, or LookupError when it is over."""
        self.requests.append(request)
        answer = self._take(request)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        whole = False
        try:
            async for event in self._say(answer):
                yield event
            whole = True
        except BesedaError:
            whole = True
            raise
        finally:
            self.running -= 1
            self.left += not whole

    async def check(self) -> ModelHealth:
        return self.health

    async def close(self) -> None:
        self.closed = True

    def _take(self, request: ModelRequest) -> ScriptedAnswer:
        entry = self._script.popleft() if self._script else self.fallback
        if entry is None:
            raise LookupError(f"{self._name}: the script is over, request {len(self.requests)} has no answer")
        if callable(entry):
            entry = entry(request)
        if isinstance(entry, str):
            return ScriptedAnswer(pieces=(entry,))
        return ScriptedAnswer(error=entry) if isinstance(entry, BesedaError) else entry

    async def _say(self, answer: ScriptedAnswer) -> AsyncGenerator[ModelEvent, None]:
        if answer.delay:
            await self._clock.sleep(answer.delay)
        if answer.reasoning:
            yield ReasoningDelta(answer.reasoning)
        for number, piece in enumerate(answer.pieces):
            if number and answer.pause:
                await self._clock.sleep(answer.pause)
            yield TextDelta(piece)
        if answer.error is not None:
            raise answer.error
        endpoint, _, model = self._name.partition(":")
        yield Finished(answer.reason, answer.usage, endpoint, model)
