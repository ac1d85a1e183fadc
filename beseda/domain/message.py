"""What was said, by whom."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """Who speaks, in the words that every chat-completion API uses."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation as a model reads it. `operator` is who said it in place of the bot, if anybody."""

    role: Role
    content: str
    operator: str = ""
