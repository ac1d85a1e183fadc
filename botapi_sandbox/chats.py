"""Bots, chats, messages, topics and drafts as data. Message dicts are never changed in place."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

    from botapi_sandbox.id_sequence import PersistentIdSequence
    from botapi_sandbox.settings import BotAccount, Supergroup
    from botapi_sandbox.update_queue import UpdateQueue

Json = dict[str, Any]

MEDIA_KINDS = ("photo", "video", "audio", "document", "voice", "video_note", "animation", "sticker")
CONTENT_FIELDS = frozenset(
    {"text", "entities", "caption", "caption_entities", "reply_markup", "link_preview_options", *MEDIA_KINDS}
)
GENERAL_TOPIC = 1


@dataclass(slots=True, eq=False)
class Bot:
    """A bot with its update queue and its profile: commands, texts and menu buttons."""

    account: BotAccount
    user: Json
    queue: UpdateQueue
    # One counter for all private chats and basic groups of an account (core.telegram.org/api/updates: one common
    # message box for an account, one for each channel).
    message_ids: PersistentIdSequence
    # (scope, language) -> commands; a scope is "default", "chat:5" and so on.
    commands: dict[tuple[str, str], list[Json]] = field(default_factory=dict)
    # (field, language) -> text, for name, description and short_description.
    texts: dict[tuple[str, str], str] = field(default_factory=dict)
    menu_buttons: dict[int, Json] = field(default_factory=dict)

    @property
    def username(self) -> str:
        """Without the at sign."""
        return self.account.username

    def to_view(self) -> Json:
        """The bot as the chat page sees it."""
        set_later = {language: text for (name, language), text in self.texts.items() if name == "name" and language}
        return {
            "id": self.user["id"],
            "username": self.username,
            "name": self.texts.get(("name", ""), self.account.name),
            # As the bot has set them, else as its account came with them.
            "names": {**self.account.names, **set_later},
            "description": self.texts.get(("description", ""), ""),
            "commands": self.commands.get(("default", ""), []),
            "pending_updates": self.queue.count(),
            "menu": self.menu_buttons.get(0, {"type": "commands"}),
        }


@dataclass(slots=True, eq=False)
class DialogMessage:
    """A message of a dialog as bots get it, with its sending bot, its keyboard and its reactions."""

    message: Json
    bot: Bot | None = None
    sent_markup: Json | None = None
    edited: bool = False
    is_service: bool = False
    reactions: list[Json] = field(default_factory=list)
    # What people reacted with, by their id.
    user_reactions: dict[int, list[Json]] = field(default_factory=dict)

    def to_view(self) -> Json:
        """The message as the chat page sees it."""
        view = {**self.message, "edited": self.edited}
        if self.sent_markup is not None:
            view["reply_markup"] = self.sent_markup
        if self.reactions:
            view["reactions"] = self.reactions
        if self.user_reactions:
            view["user_reactions"] = {str(user): reactions for user, reactions in self.user_reactions.items()}
        return view


@dataclass(slots=True, eq=False)
class ForumTopic:
    """A topic of a forum or of a private chat; its id is the `message_thread_id` of its messages."""

    id: int
    name: str
    icon_color: int = 0x6FB9F0
    icon_emoji_id: str = ""
    is_closed: bool = False
    is_hidden: bool = False

    def to_view(self) -> Json:
        """The topic as the chat page sees it."""
        return {"id": self.id, "name": self.name, "is_closed": self.is_closed}


@dataclass(slots=True, eq=False)
class ShownDraft:
    """A streamed preview in a private chat (#sendmessagedraft)."""

    draft_id: int
    text: str
    entities: list[Json]
    can_stop: bool
    keep_on_stop: bool
    thread_id: int | None = None
    timer: asyncio.TimerHandle | None = None

    def to_view(self) -> Json:
        """The draft as the chat page sees it."""
        view = {"draft_id": self.draft_id, "text": self.text, "entities": self.entities, "can_stop": self.can_stop}
        return view if self.thread_id is None else {**view, "message_thread_id": self.thread_id}


@dataclass(slots=True, eq=False)
class Dialog:
    """A private chat of one bot and one user, or a group with all its bots."""

    key: str
    chat: Json
    kept: int
    message_ids: PersistentIdSequence
    bot: Bot | None = None
    group: Supergroup | None = None
    messages: OrderedDict[int, DialogMessage] = field(default_factory=OrderedDict)
    draft: ShownDraft | None = None
    typing_until: float = 0.0
    reply_keyboard: Json | None = None
    pinned: list[int] = field(default_factory=list)
    blocked: bool = False
    started: bool = False
    topics: dict[int, ForumTopic] = field(default_factory=dict)
    general_topic: ForumTopic = field(default_factory=lambda: ForumTopic(GENERAL_TOPIC, "General"))
    administrators: set[str] = field(default_factory=set)

    @property
    def chat_id(self) -> int:
        """The Bot API's id of this chat."""
        return int(self.chat["id"])

    @property
    def is_private(self) -> bool:
        """Whether this is a chat of a bot with one person."""
        return self.group is None

    def add(self, stored: DialogMessage) -> None:
        """Append a message; the oldest leave when the dialog is full."""
        self.messages[stored.message["message_id"]] = stored
        while len(self.messages) > self.kept:
            self.messages.popitem(last=False)

    @property
    def has_topics(self) -> bool:
        """Whether messages can be put into topics here."""
        return self.group.is_forum if self.group else bool(self.bot and self.bot.account.has_topics_enabled)

    def has_topic(self, thread_id: int) -> bool:
        """Whether a message may name this thread."""
        return thread_id in self.topics

    def is_administrator(self, bot: Bot) -> bool:
        """Whether a bot was given an administrator's rights in this group."""
        return bot.username in self.administrators

    def to_view(self, limit: int) -> Json:
        """The dialog as the chat page sees it, oldest message first."""
        shown = list(self.messages.values())[-limit:] if limit > 0 else []
        return {
            "messages": [stored.to_view() for stored in shown],
            "typing": self.typing_until > time.monotonic(),
            "draft": self.draft.to_view() if self.draft else None,
            "reply_keyboard": self.reply_keyboard,
            "topics": [topic.to_view() for topic in self.topics.values()],
            "blocked": self.blocked,
        }


def make_reference(message: Json) -> Json:
    """A message as it stands in `reply_to_message`: without a reply of its own (#message)."""
    return {name: value for name, value in message.items() if name != "reply_to_message"}
