"""Asking a model for JSON, patiently: once more if it is none, in smaller pieces if it is too much."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeVar

from beseda.core.clock import Clock
from beseda.core.errors import (
    BrokenStreamError,
    ContextTooLongError,
    EmptyAnswerError,
    ProtocolError,
    QuotaExceededError,
    ThoughtsOnlyError,
    UnansweredError,
    UnavailableError,
)
from beseda.core.message import Message, Role
from beseda.features.minutes.notes import find_object
from beseda.features.minutes.prompts import AGAIN
from beseda.features.minutes.source import Passage
from beseda.llm.base import ChatModel, ModelRequest, find_measuring, hear_out

_DEFAULT_CHUNK, _SMALLEST_CHUNK = 6000, 400  # tokens of a piece
_SHARE = 0.4  # of the context: the rest is for the rules and the answer
_LONGEST_ANSWER = 200_000  # characters
_PAUSE, _LONGEST_PAUSE = 1.0, 60.0  # seconds before a request is made again
_PASSING = (UnavailableError, BrokenStreamError, EmptyAnswerError, QuotaExceededError)
_REPEATED = (UnansweredError, ThoughtsOnlyError)  # the failover below has asked once more already

Result = TypeVar("Result")


async def find_chunk_size(model: ChatModel) -> int:
    """Return the number of tokens of text per request, leaving room in the context for the answer."""
    measuring = find_measuring(model)
    context = await measuring.context_size() if measuring is not None else None
    return _DEFAULT_CHUNK if context is None else max(_SMALLEST_CHUNK, min(_DEFAULT_CHUNK, int(context * _SHARE)))


async def ask_patiently(
    model: ChatModel, messages: Sequence[Message], temperature: float, clock: Clock
) -> dict[str, Any]:
    """Call `ask_for_object` and retry once after a transient failure: a document needs all of its many answers."""
    try:
        return await ask_for_object(model, messages, temperature)
    except _REPEATED:
        raise
    except _PASSING as error:
        await clock.sleep(min(_PAUSE if error.retry_after is None else error.retry_after, _LONGEST_PAUSE))
    return await ask_for_object(model, messages, temperature)


async def ask_for_object(model: ChatModel, messages: Sequence[Message], temperature: float) -> dict[str, Any]:
    """Return the JSON object that a model answers with. Raises RemoteError; `ProtocolError` if it never comes."""
    answer = await _listen(model, ModelRequest(messages, temperature))
    if (found := find_object(answer)) is not None:
        return found
    again = [*messages, Message(Role.ASSISTANT, answer[:2000]), Message(Role.USER, AGAIN)]
    if (found := find_object(await _listen(model, ModelRequest(again, temperature)))) is not None:
        return found
    raise ProtocolError(f"{model.name} answered without JSON: {answer[:200]}")


async def ask_of_chunk(ask: Callable[[Sequence[Passage]], Awaitable[Result]], chunk: Sequence[Passage]) -> list[Result]:
    """Return the results for a chunk, or for its halves if the whole is too much for the model.

    Raises RemoteError.
    """
    try:
        return [await ask(chunk)]
    except (ContextTooLongError, ProtocolError):
        if len(chunk) < 2:
            raise
    middle = len(chunk) // 2
    return [*await ask_of_chunk(ask, chunk[:middle]), *await ask_of_chunk(ask, chunk[middle:])]


async def run_bounded(work: Iterable[Callable[[], Awaitable[Result]]], most: int) -> list[Result]:
    """Return the results in order, at most so many made at once; the first failure ends the others and is raised."""
    line = asyncio.Semaphore(most)

    async def wait_in_line(one: Callable[[], Awaitable[Result]]) -> Result:
        async with line:
            return await one()

    tasks = [asyncio.ensure_future(wait_in_line(one)) for one in work]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _listen(model: ChatModel, request: ModelRequest) -> str:
    if not (answer := (await hear_out(model, request, longest=_LONGEST_ANSWER)).strip()):
        raise EmptyAnswerError(f"{model.name} said nothing")
    return answer
