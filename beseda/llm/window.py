"""How much of a conversation a model is shown when it cannot read all of it. Pure logic over counts."""

from collections.abc import Sequence

from beseda.core.message import Message, Role, join_roles
from beseda.llm.prompt import is_note

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
