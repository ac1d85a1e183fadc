"""Where a conversation takes place."""

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
    """One place to talk: a bot, a chat, and the topic where the chat has topics (else 0).

    It is also the lane: what happens under one key happens in order.
    """

    bot: str
    chat_id: int
    thread_id: int = 0

    def history_key(self, namespace: str = "") -> str:
        """Return the name of the hot history list: `chat_history:{user_id}` (a private chat's id is its user's).

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
    """A speaker: a Telegram user, or the chat (a number below zero) for which an unnamed person speaks.

    `language` is Telegram's `language_code`, empty where unknown.
    """

    id: int
    name: str
    username: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A stored conversation: its row's id, its place and what kind of chat that is."""

    id: int
    key: ChatKey
    kind: ChatKind
    title: str = ""
