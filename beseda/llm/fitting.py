"""Fits a request into a model's context, using the server's token count if it provides one."""

from collections.abc import Sequence
from dataclasses import replace

from beseda.core.errors import ContextTooLongError, RemoteError
from beseda.core.message import Message
from beseda.llm.base import ChatModel, StreamObserver, find_measuring
from beseda.llm.token_estimate import estimate_tokens
from beseda.llm.window import MESSAGE_TOKENS, cut_window, find_room, fits_surely, is_programs

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
