"""Fits a request into a model's context, using the server's token count if it provides one."""

from collections.abc import Sequence
from dataclasses import replace

from beseda.core.errors import ContextTooLongError, RemoteError
from beseda.core.message import Message, Role, join_roles
from beseda.llm.base import ChatModel, StreamObserver, find_measuring
from beseda.llm.prompt import is_note
from beseda.llm.token_estimate import estimate_tokens

# No vocabulary has tokens of eight characters on the average: what is longer cannot fit, and need not be counted.
_CHARACTERS_PER_TOKEN = 8
# An estimate is wrong by less than this factor: Cyrillic in a small vocabulary takes twice as many tokens.
_DOUBT = 3
_MARGIN = 1.25  # by this much an estimate of prose is too high at the most


class InstructionsTooLongError(ContextTooLongError):
    """The bot's instructions alone are more than the model can read: only its owner can change that."""


async def find_context(model: ChatModel | None) -> int | None:
    """Return the context of `model` in tokens, or None if it is unknown or the server does not answer."""
    measuring = find_measuring(model) if model is not None else None
    try:
        return await measuring.context_size() if measuring else None
    except RemoteError:  # the request itself will report it
        return None


async def count_texts(texts: Sequence[str], model: ChatModel | None) -> list[int] | None:
    """Return the lengths of `texts` in tokens as counted by the model's server, or None if it does not count."""
    measuring = find_measuring(model) if model is not None else None
    if measuring is None:
        return None
    try:
        counts = [await measuring.count_tokens(text) for text in texts]
    except RemoteError:
        return None
    known = [count for count in counts if count is not None]
    return known if len(known) == len(counts) else None


async def fit_messages(
    messages: Sequence[Message], model: ChatModel | None, *, max_tokens: int | None = None, context: int | None = None
) -> list[Message]:
    """Return `messages` without the oldest ones that do not fit into the context with room for an answer.

    `context` overrides the size that the model's server reports. Raises ContextTooLongError if the system message, the
    notes and the last message alone do not fit, InstructionsTooLongError if the instructions are the reason.
    """
    size = context or await find_context(model)
    if size is None:
        return list(messages)
    room = find_room(size, max_tokens)
    if fits_surely(messages, room):
        return list(messages)
    # A server would read and count it for minutes, and go on after its client has left.
    if (characters := len(messages[-1].content)) > _CHARACTERS_PER_TOKEN * size:
        raise ContextTooLongError(f"{characters} characters cannot fit into a context of {size} tokens")
    estimates = [estimate_tokens(message.content) for message in messages]
    if _DOUBT * (sum(estimates) + MESSAGE_TOKENS * len(estimates)) <= room:
        return list(messages)
    counts = await count_texts([message.content for message in messages], model)
    # An estimate forbids nothing that may fit.
    _check_needed(messages, counts or [int(estimate / _MARGIN) for estimate in estimates], size)
    return cut_window(messages, counts or estimates, room)


class ContextFitting(StreamObserver):
    """Leaves the part of a request that fits into the model's context."""

    async def on_start(self) -> None:
        """Cut the request. Raises ContextTooLongError."""
        request = self._call.request
        messages = await fit_messages(request.messages, self._call.model, max_tokens=request.max_tokens)
        self._call.request = replace(request, messages=messages)


def _check_needed(messages: Sequence[Message], counts: Sequence[int], size: int) -> None:
    """Raise ContextTooLongError if even the system message and the last message do not fit."""
    system = sum(count for message, count in zip(messages, counts, strict=True) if is_programs(message))
    if system + counts[-1] > size:
        kind = InstructionsTooLongError if system > size // 2 else ContextTooLongError
        raise kind(f"{system + counts[-1]} tokens for a context of {size}, {system} of them are instructions")


MESSAGE_TOKENS = 8
"""What a chat template puts around each message, at most."""

_USUAL_ANSWER = 1024
_ANSWER_SHARE = 4  # of a small context the answer gets a quarter


def find_room(context: int, max_tokens: int | None) -> int:
    """Return how many tokens of a context a prompt may fill, so that the answer finds its place.

    An answer that is allowed to be long does not take more than half.
    """
    answer = min(_USUAL_ANSWER, context // _ANSWER_SHARE) if max_tokens is None else max_tokens
    return context - min(answer, context // 2)


def fits_surely(messages: Sequence[Message], room: int) -> bool:
    """Whether `messages` fit whatever the vocabulary: no token is shorter than a byte."""
    return sum(len(message.content.encode()) + MESSAGE_TOKENS for message in messages) <= room


def cut_window(messages: Sequence[Message], counts: Sequence[int], room: int) -> list[Message]:
    """Return `messages` without the oldest ones that do not fit into `room` tokens; `counts` are their lengths.

    The system message, notes of the program and the last message always stay: if they alone are too long, the model
    itself rejects them. The rest of a conversation does not begin with an answer to a question that was removed.
    """
    costs = [count + MESSAGE_TOKENS for count in counts]
    last = len(messages) - 1
    kept = {place for place, message in enumerate(messages) if is_programs(message) or place == last}
    left = room - sum(costs[place] for place in kept)
    for place in range(last - 1, -1, -1):
        if place in kept:
            continue
        left -= costs[place]
        if left < 0:
            break
        kept.add(place)
    else:
        return list(messages)
    shown = [messages[place] for place in sorted(kept)]
    while (first := _find_first(shown)) < len(shown) - 1 and shown[first].role is Role.ASSISTANT:
        shown.pop(first)
    return shown


def alternate(messages: Sequence[Message]) -> list[Message]:
    """Return `messages` as chat templates take them: one system message, then users and answers by turns.

    Templates refuse two messages of one role in a row, a system message further down, and a conversation that begins
    with an answer. Neighbours are joined by an empty line; messages without words are left out, and so are answers
    before the first user message.
    """
    system = [message.content for message in messages if message.role is Role.SYSTEM]
    others = [message for message in messages if message.role is not Role.SYSTEM]
    said = begin_with_user([message for message in others if message.content.strip()])
    head = [Message(Role.SYSTEM, "\n\n".join(system))] if system else []
    return [*head, *(join_roles(said) or others)]


def begin_with_user(window: Sequence[Message]) -> list[Message]:
    """Return a window without the answers at its beginning, which belong to removed questions."""
    first = next((place for place, message in enumerate(window) if message.role is Role.USER), len(window))
    return list(window[first:])


def _find_first(messages: Sequence[Message]) -> int:
    """Return the position of the first message that is not the program's, or the number of messages."""
    said = (place for place, message in enumerate(messages) if not is_programs(message))
    return next(said, len(messages))


def is_programs(message: Message) -> bool:
    """Return whether a message is the system message or a note of the program."""
    return message.role is Role.SYSTEM or is_note(message)
