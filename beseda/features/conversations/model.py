"""Conversations for lists: one line each, and the messages of one conversation."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from beseda.core.chat import ChatKind


@dataclass(frozen=True, slots=True)
class ConversationFilter:
    """Conditions for conversations; None matches all. `updated_since`: one of their turns has changed since then."""

    bot: str | None = None
    user_id: int | None = None
    kind: ChatKind | None = None
    updated_since: datetime | None = None
    taken_over: bool | None = None


class ConversationLine(NamedTuple):
    """A conversation with its person and its state. `operator` is empty unless an operator has taken it over."""

    id: int
    bot: str
    chat_id: int
    thread_id: int
    kind: str
    title: str
    user_id: int
    user_name: str
    username: str
    language: str
    created_at: datetime
    last_message_at: datetime | None
    operator: str
    operator_since: datetime | None


class SaidMessage(NamedTuple):
    """A message with the state of its turn. If `operator` is not empty, that person wrote it in place of the bot."""

    id: int
    turn_id: int
    role: str
    content: str
    created_at: datetime
    operator: str
    state: str
    kind: str
