"""Summaries of the messages that leave the window; each includes the summary before it."""

from collections.abc import Sequence
from dataclasses import replace

from beseda.cli.answer import Answer, receive_answer
from beseda.cli.repl.conversation import KEPT_TURNS, SessionConversation
from beseda.core.clock import Clock
from beseda.core.message import Message, Role
from beseda.core.usage import Usage
from beseda.llm.base import ChatModel, ModelRequest
from beseda.llm.fitting import MESSAGE_TOKENS, count_texts, find_room
from beseda.llm.token_estimate import estimate_tokens

_TEMPERATURE = 0.2
_INSTRUCTIONS = (
    "You keep the memory of a conversation. Write one summary that replaces everything you are given, in the language "
    "of the conversation, in at most 200 words: who the person is, what they want, facts, names, numbers, decisions, "
    "open questions. No greeting, no comment, the summary alone."
)
_SHORT_INSTRUCTIONS = "Sum up this conversation in a few words, in its language."
_SMALL_CONTEXT = 2048  # tokens: below it the long instructions would take the room of what is summed up
_BEFORE_SHARE = 3  # of the room the summary so far gets a third
_LEAST = 32  # tokens of a piece


async def sum_up(
    conversation: SessionConversation,
    model: ChatModel,
    clock: Clock,
    *,
    kept_turns: int = KEPT_TURNS,
    size: int | None = None,
) -> Answer | None:
    """Fold all but the last turns into the summary and return the answer with its usage, or None if there is nothing to
    fold.

    If the messages do not fit into the context of `size` tokens, they are summed up in pieces, each with the summary so
    far. Raises the errors of the model; the conversation is then unchanged.
    """
    foldable = conversation.list_foldable(kept_turns=kept_turns)
    if not foldable:
        return None
    spoken = [f"{message.role}: {message.content}" for message in foldable]
    instructions = _SHORT_INSTRUCTIONS if size is not None and size < _SMALL_CONTEXT else _INSTRUCTIONS
    pieces, most = await _cut(spoken, instructions, model, size)
    before, spent, answer = conversation.summary, list[Usage](), Answer(model.name, clock.monotonic())
    for piece in pieces:
        head = f"Summary so far:\n{before[:most]}\n\n" if before else ""
        asked = [Message(Role.SYSTEM, instructions), Message(Role.USER, f"{head}Conversation:\n{piece}")]
        answer = await receive_answer(model, ModelRequest(asked, _TEMPERATURE), clock)
        before = answer.text.strip()
        spent.append(answer.usage)
    if answer.end is not None:
        answer.end = replace(answer.end, usage=_add(spent))
    conversation.fold(before, tokens=spent[-1].completion_tokens, kept_turns=kept_turns)
    conversation.add_usage(answer.usage)
    return answer


async def _cut(
    spoken: Sequence[str], instructions: str, model: ChatModel, size: int | None
) -> tuple[list[str], int | None]:
    """Return the text in pieces that fit the context, and the number of characters that a summary may have beside each.
    The number is None if `size` is None.
    """
    whole = "\n\n".join(spoken)
    if size is None:
        return [whole], None
    texts = [instructions, whole]
    counts = await count_texts(texts, model) or [estimate_tokens(text) for text in texts]
    room = find_room(size, None) - counts[0] - 2 * MESSAGE_TOKENS
    if counts[1] <= room - room // _BEFORE_SHARE:
        return [whole], _to_characters(room // _BEFORE_SHARE, whole, counts[1])
    most = max(_LEAST, room - room // _BEFORE_SHARE)
    length = _to_characters(most, whole, counts[1])
    return _pack(spoken, length), length // (_BEFORE_SHARE - 1)


def _to_characters(tokens: int, text: str, count: int) -> int:
    """Return how many characters of a text like `text`, of `count` tokens, make about so many tokens."""
    # A tenth in reserve: the pieces of a text are not equally dense.
    return max(1, int(tokens * len(text) / max(1, count) * 0.9))


def _pack(spoken: Sequence[str], length: int) -> list[str]:
    """Return messages put together to pieces of at most `length` characters; one that is longer is cut."""
    pieces: list[str] = []
    for text in (line[start : start + length] for line in spoken for start in range(0, len(line), length)):
        if pieces and len(pieces[-1]) + len(text) + 2 <= length:
            pieces[-1] = f"{pieces[-1]}\n\n{text}"
        else:
            pieces.append(text)
    return pieces


def _add(usages: Sequence[Usage]) -> Usage:
    costs = [usage.cost for usage in usages if usage.cost is not None]
    return Usage(
        sum(usage.prompt_tokens for usage in usages),
        sum(usage.completion_tokens for usage in usages),
        sum(costs) if costs else None,
        any(usage.estimated for usage in usages),
    )
