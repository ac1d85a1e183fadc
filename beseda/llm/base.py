"""What a chat model is to the rest of the program."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from beseda.domain.message import Message, Role
from beseda.domain.structured import FormT, read_form, write_schema
from beseda.domain.usage import Usage
from beseda.errors import ProtocolError, UnavailableError

_REPEATED_CHARACTERS = 4_000  # of a broken answer: more of it would not help to mend it


class UnansweredError(UnavailableError):
    """The request went out and the connection ended without an answer: it may have had its effect."""


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """What a model is asked. `messages` begin with the single system message where there is one.

    With a `schema` (JSON Schema of an object) the answer is to be such an object; `ask_structured` sets it.
    `stands_for` is the endpoint that the bot should have and that is not set up: the demo names its key.
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
    """The model is busy with others: `ahead` answers must end before this one begins; 0: it is still being loaded.

    Only before the first token; comes again whenever the line moves. Who shows nothing of it may pass it over.
    """

    ahead: int


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """A piece of what a reasoning model thinks aloud; not part of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Retracted:
    """All text so far was reasoning, as its end shows: the answer begins after this event."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The end of an answer: exactly one, the last event. `endpoint` and `model` say who really answered."""

    reason: FinishReason
    usage: Usage
    endpoint: str
    model: str


ModelEvent = Waiting | TextDelta | ReasoningDelta | Retracted | Finished


@dataclass(frozen=True, slots=True)
class ModelHealth:
    """Whether a model can be asked now, and in one line why not.

    `model` and `context` (tokens) describe what is served, as far as the server reports it.
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

        Raises a leaf of `beseda.errors.RemoteError`, also in mid-stream.
        """
        ...

    async def check(self) -> ModelHealth:
        """Ask the endpoint, without spending tokens, whether it would answer."""
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...


class Measuring(Protocol):
    """What some models can tell of themselves, so that a history can be cut before it is too long for them."""

    async def context_size(self) -> int | None:
        """Return how many tokens the model reads and writes at once; None where nobody says. Raises RemoteError."""
        ...

    async def count_tokens(self, text: str) -> int | None:
        """Return the length of `text` by the model's own vocabulary; None where it cannot count. Raises RemoteError."""
        ...


def find_measuring(model: ChatModel) -> Measuring | None:
    """Return how `model` measures texts, by its property `measuring` where it has one; None: only an estimate can.

    Wrappers pass on what the inner one can. Asked for each message: a protocol's isinstance would walk all its names.
    """
    measuring: Measuring | None = getattr(model, "measuring", None)
    return measuring


async def prepare_model(model: ChatModel) -> None:
    """Let `model` look around where it can: what it measures by must be known before a request is put together."""
    if (prepare := getattr(model, "prepare", None)) is not None:
        await prepare()


class ModelWrapper:
    """A `ChatModel` that is another one in all that its subclass does not do otherwise."""

    def __init__(self, model: ChatModel) -> None:
        self._model = model

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def measuring(self) -> Measuring | None:
        return find_measuring(self._model)

    async def prepare(self) -> None:
        """Let a model that may have changed look around, before a request is put together."""
        await prepare_model(self._model)

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Yield the answer. Raises a leaf of RemoteError."""
        return self._model.stream(request)

    async def check(self) -> ModelHealth:
        return await self._model.check()

    async def close(self) -> None:
        await self._model.close()


async def ask_structured(
    model: ChatModel, request: ModelRequest, form: type[FormT], *, heard: Callable[[Finished], None] | None = None
) -> FormT:
    """Return the answer to `request` as an object of `form`; `heard` is called with the end of each answer.

    An answer that does not fit is shown to the model once, with its fault. Raises ProtocolError where the second does
    not fit either, and what the model raises.
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
    """Return the whole answer, without reasoning; `longest` bounds its characters, `heard` is passed its end.

    Raises what the model raises.
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
