"""Messages and the roles of their authors."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """The role of a message's author, named as in chat-completion APIs."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation as a model reads it.

    `operator` is the person that wrote it in place of the bot, or empty.
    """

    role: Role
    content: str
    operator: str = ""


def join_roles(messages: Sequence[Message]) -> list[Message]:
    """Return messages with neighbours of one role joined by an empty line: many chat templates refuse them apart."""
    joined: list[Message] = []
    for message in messages:
        if joined and joined[-1].role is message.role:
            joined[-1] = Message(message.role, f"{joined[-1].content}\n\n{message.content}")
        else:
            joined.append(message)
    return joined
