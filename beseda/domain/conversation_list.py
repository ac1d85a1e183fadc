"""Conversations as those see them who read many: a line each, and what was said in one."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from beseda.domain.conversation import ChatKind


@dataclass(frozen=True, slots=True)
class ConversationFilter:
    """Which conversations: None means all. `updated_since` is when something was said in them last."""

    bot: str | None = None
    user_id: int | None = None
    kind: ChatKind | None = None
    updated_since: datetime | None = None
    taken_over: bool | None = None


class ConversationLine(NamedTuple):
    """A conversation with its person and how it stands. `operator` is empty unless somebody has taken it over."""

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
    """Something that was said, and how its turn stands; `operator` said it in place of the bot, where not empty."""

    id: int
    turn_id: int
    role: str
    content: str
    created_at: datetime
    operator: str
    state: str
    kind: str
