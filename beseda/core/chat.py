"""Conversations, their chats and their speakers."""

from dataclasses import dataclass
from enum import StrEnum


class ChatKind(StrEnum):
    """Telegram's kinds of chat (https://core.telegram.org/bots/api#chat)."""

    PRIVATE = "private"
    GROUP = "group"
    SUPERGROUP = "supergroup"
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True)
class ChatKey:
    """The place of a conversation: a bot, a chat, and the topic if the chat has topics (else 0).

    It is also the key of a queue: updates with the same key are handled in order.
    """

    bot: str
    chat_id: int
    thread_id: int = 0

    def history_key(self, namespace: str = "") -> str:
        """Return the name of the list of recent messages: `chat_history:{user_id}` (a private chat's id is its user's).

        A topic adds its id; `namespace` is set when several bots share one Redis.
        """
        place = f"{self.chat_id}:{self.thread_id}" if self.thread_id else f"{self.chat_id}"
        return f"{namespace}:chat_history:{place}" if namespace else f"chat_history:{place}"


SHARED_IDS = frozenset({1087968824, 136817688, 777000})
"""Ids that stand for many people: anonymous administrators, writers as a channel, Telegram itself.

Source: https://core.telegram.org/bots/api#message (`from`, `sender_chat`).
"""


@dataclass(frozen=True, slots=True)
class Person:
    """A speaker: a Telegram user, or the chat (a negative number) in the name of which an unnamed person writes.

    `language` is Telegram's `language_code`, empty if unknown.
    """

    id: int
    name: str
    username: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A stored conversation: the id of its row, its place and the kind of chat."""

    id: int
    key: ChatKey
    kind: ChatKind
    title: str = ""
