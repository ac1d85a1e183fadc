"""Summing up what falls out of the window, the summary before it included."""

from beseda.cli.answer import Answer, receive_answer
from beseda.cli.repl.conversation import KEPT_TURNS, Conversation
from beseda.domain.message import Message, Role
from beseda.kit.clock import Clock
from beseda.llm.base import ChatModel, ModelRequest

_TEMPERATURE = 0.2
_INSTRUCTIONS = (
    "You keep the memory of a conversation. Write one summary that replaces everything you are given, in the language "
    "of the conversation, in at most 200 words: who the person is, what they want, facts, names, numbers, decisions, "
    "open questions. No greeting, no comment, the summary alone."
)


async def sum_up(
    conversation: Conversation, model: ChatModel, clock: Clock, *, kept_turns: int = KEPT_TURNS
) -> Answer | None:
    """Fold all but the last turns into the summary and return what it took; None where there is nothing to fold.

    Raises what the model raises; the conversation is then as it was.
    """
    foldable = conversation.list_foldable(kept_turns=kept_turns)
    if not foldable:
        return None
    before = f"Summary so far:\n{conversation.summary}\n\n" if conversation.summary else ""
    told = "\n\n".join(f"{message.role}: {message.content}" for message in foldable)
    asked = [Message(Role.SYSTEM, _INSTRUCTIONS), Message(Role.USER, f"{before}Conversation:\n{told}")]
    answer = await receive_answer(model, ModelRequest(asked, _TEMPERATURE), clock)
    conversation.fold(answer.text.strip(), tokens=answer.usage.completion_tokens, kept_turns=kept_turns)
    conversation.add_usage(answer.usage)
    return answer
