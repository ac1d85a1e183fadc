"""Interface of chat models for the rest of the program."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, replace
from enum import StrEnum
from types import TracebackType
from typing import Protocol

from beseda.core.errors import ProtocolError
from beseda.core.message import Message, Role
from beseda.core.usage import Usage
from beseda.llm.structured import FormT, read_form, write_schema

_REPEATED_CHARACTERS = 4_000  # of a broken answer: more of it would not help to mend it


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long a model may take, in seconds.

    `first_token` counts from the request to the first piece of the answer, keep-alive comments notwithstanding;
    `idle` between two reads after that; `total` over the whole answer; `check` for questions about health.
    """

    connect: float = 10.0
    first_token: float = 90.0
    idle: float = 60.0
    total: float = 600.0
    check: float = 5.0


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """A request to a model. If there is a system message, it is the only one and the first of `messages`.

    If `schema` (JSON Schema of an object) is set, the answer must be such an object; `ask_structured` sets it.
    `stands_for` is the endpoint that the bot needs and that is not set up; the demo names its key.
    """

    messages: Sequence[Message]
    temperature: float | None = None
    max_tokens: int | None = None
    user: str = ""
    schema: Mapping[str, object] | None = None
    stands_for: str = ""


class FinishReason(StrEnum):
    """Why a model stopped, in the words of the OpenAI API; `stopped` is ours: the user pressed stop."""

    STOP = "stop"
    LENGTH = "length"
    FILTER = "content_filter"
    TOOL = "tool_calls"
    STOPPED = "stopped"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Waiting:
    """The model is busy: `ahead` answers must end before this one begins. 0 means that the model is still being loaded.

    Sent only before the first token, and again whenever the queue moves. Consumers may ignore it.
    """

    ahead: int


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """A piece of the reasoning of a model; not part of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Retracted:
    """All text so far was reasoning, as its end shows. The answer begins after this event."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The end of an answer, always the last event. `endpoint` and `model` identify the model that answered."""

    reason: FinishReason
    usage: Usage
    endpoint: str
    model: str


ModelEvent = Waiting | TextDelta | ReasoningDelta | Retracted | Finished


@dataclass(frozen=True, slots=True)
class ModelHealth:
    """Result of a health check: whether the model is available, and the reason in one line.

    `model` and `context` (tokens) describe the served model, as far as the server reports it.
    """

    ok: bool
    detail: str
    loading: bool = False
    model: str = ""
    context: int | None = None


class ChatModel(Protocol):
    """Something that continues a conversation."""

    @property
    def name(self) -> str:
        """`endpoint:model`, as settings write it."""
        ...

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Yield the answer as it is made, `Finished` last. Closing the generator frees the server's slot.

        Raises a leaf of `beseda.core.errors.RemoteError`, also in mid-stream.
        """
        ...

    async def check(self) -> ModelHealth:
        """Check whether the endpoint would answer, without spending tokens."""
        ...

    async def close(self) -> None:
        """Release the connections."""
        ...


class ModelFinder(Protocol):
    """Models by their specs."""

    async def find(self, spec: str) -> ChatModel:
        """Return the model of `spec`, or the default model if it is empty."""
        ...


class Measuring(Protocol):
    """Token counting and context size of a model, used to shorten a history before it exceeds the context."""

    async def context_size(self) -> int | None:
        """Return the context in tokens, prompt and answer together, or None if it is not known. Raises RemoteError."""
        ...

    async def count_tokens(self, text: str) -> int | None:
        """Return the tokens of `text` in the model's vocabulary, or None if it cannot count. Raises RemoteError."""
        ...


def find_measuring(model: ChatModel) -> Measuring | None:
    """Return the property `measuring` of `model`, or None if it has none, so that only an estimate is possible.

    Wrappers return that of the inner model. Called for each message, so it does not use isinstance with a protocol,
    which checks every attribute.
    """
    measuring: Measuring | None = getattr(model, "measuring", None)
    return measuring


async def prepare_model(model: ChatModel) -> None:
    """Call `prepare` of `model` if it has one, so that the context size is known before a request is built."""
    if (prepare := getattr(model, "prepare", None)) is not None:
        await prepare()


class ModelWrapper:
    """A `ChatModel` that delegates to another one; subclasses override single methods."""

    def __init__(self, model: ChatModel) -> None:
        self._model = model

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def measuring(self) -> Measuring | None:
        return find_measuring(self._model)

    async def prepare(self) -> None:
        """Prepare the inner model before a request is built; the model behind it may have changed."""
        await prepare_model(self._model)

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Yield the answer. Raises a leaf of RemoteError."""
        return self._model.stream(request)

    async def check(self) -> ModelHealth:
        return await self._model.check()

    async def close(self) -> None:
        await self._model.close()


class StreamObserver:
    """Observes one call of a model; each call has observers of its own. The defaults change nothing."""

    def __init__(self, call: "ObservedCall") -> None:
        self._call = call

    async def on_start(self) -> None:
        """Prepare the call. It may get another model or request. An error that is raised here refuses it."""

    def on_event(self, event: ModelEvent) -> ModelEvent:
        """Return the event to pass on. An error that is raised here breaks the answer."""
        return event

    async def on_end(self) -> None:
        """Finish. Called once in every case, also after an error of `on_start` and after the consumer has left."""


class ObservedCall:
    """One call of a model and its observers: an asynchronous context manager that opens and closes the stream.

    An observer may replace `model` and `request` before the stream opens. It may set `cut` to end the answer after the
    current event; `cut` is then the last one. `error` is the reason of an early end: an error of the model or of an
    observer, or GeneratorExit if the consumer has left.
    """

    def __init__(self, model: ChatModel, request: ModelRequest, observers: Sequence["OpenObserver"]) -> None:
        self.model = model
        self.request = request
        self.cut: Finished | None = None
        self.error: BaseException | None = None
        self._observers = [open_observer(self) for open_observer in observers]
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> AsyncGenerator[ModelEvent, None]:
        async with AsyncExitStack() as stack:
            try:
                for observer in self._observers:
                    stack.push_async_callback(observer.on_end)
                    await observer.on_start()
            except BaseException as error:
                self.error = error
                raise
            events = await stack.enter_async_context(aclosing(self.model.stream(self.request)))
            self._stack = stack.pop_all()
        return events

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.error = error
        await self._stack.__aexit__(kind, error, trace)

    def pass_on(self, event: ModelEvent) -> ModelEvent:
        """Return `event` as the observers, in their order, leave it."""
        for observer in self._observers:
            event = observer.on_event(event)
        return event


OpenObserver = Callable[[ObservedCall], StreamObserver]


class ObservedModel(ModelWrapper):
    """A `ChatModel` with observers on each of its calls."""

    def __init__(self, model: ChatModel, *observers: OpenObserver) -> None:
        super().__init__(model)
        self._observers = observers

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Yield the answer as the observers leave it. Raises their errors and those of the model."""
        call = ObservedCall(self._model, request, self._observers)
        async with call as events:
            async for event in events:
                yield call.pass_on(event)
                if call.cut is not None:
                    yield call.cut
                    return


async def ask_structured(
    model: ChatModel, request: ModelRequest, form: type[FormT], *, heard: Callable[[Finished], None] | None = None
) -> FormT:
    """Return the answer to `request` as an object of `form`. `heard` is called with the end of each answer.

    An answer that does not match the form is sent back to the model once, with its fault. Raises ProtocolError if the
    second answer does not match either, and the errors of the model.
    """
    request = replace(request, schema=write_schema(form))
    said = await hear_out(model, request, heard=heard)
    found, fault = read_form(said, form)
    if found is not None:
        return found
    wrong = f"This does not fit: {fault}. Answer with the corrected JSON object alone."
    retort = [Message(Role.ASSISTANT, said[:_REPEATED_CHARACTERS] or "{}"), Message(Role.USER, wrong)]
    said = await hear_out(model, replace(request, messages=[*request.messages, *retort]), heard=heard)
    found, fault = read_form(said, form)
    if found is None:
        raise ProtocolError(f"no answer of the form asked for: {fault}", endpoint=model.name)
    return found


async def hear_out(
    model: ChatModel,
    request: ModelRequest,
    *,
    heard: Callable[[Finished], None] | None = None,
    longest: int | None = None,
) -> str:
    """Return the complete answer without reasoning. `heard` is called with its end.

    No more text is added after `longest` characters; the piece that reaches the limit is kept whole. Raises the errors
    of the model.
    """
    pieces: list[str] = []
    size = 0
    async with aclosing(model.stream(request)) as events:
        async for event in events:
            if type(event) is TextDelta and (longest is None or size < longest):
                pieces.append(event.text)
                size += len(event.text)
            elif type(event) is Retracted:
                pieces.clear()
                size = 0
            elif type(event) is Finished and heard is not None:
                heard(event)
    return "".join(pieces)
