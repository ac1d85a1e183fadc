"""A file that keeps the chats for the next run."""

from __future__ import annotations

import contextlib
import logging
import os
from typing import TYPE_CHECKING, Any

import orjson

from botapi_sandbox.chats import DialogMessage, ForumTopic

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from botapi_sandbox.chats import Dialog, Json
    from botapi_sandbox.state import SandboxState

log = logging.getLogger(__name__)

_KEPT = frozenset({"message", "edit", "delete", "topics", "reaction", "user_reaction", "blocked", "reset"})
_LONGEST_LINE = 1024 * 1024
# Fields of a view that are not of the message itself.
_OF_VIEW = ("edited", "reactions", "user_reactions")
_SERVICE = ("pinned_message", "forum_topic_", "general_forum_topic_")


class ChatArchive:
    """The chats of earlier runs: a journal of events in one file that the owner alone may read.

    Each event is written before the next one, so that a killed process loses none; a line that was cut off is ignored.
    At `max_bytes` the journal is written anew from the chats, the newest first, up to half of that.
    """

    def __init__(self, folder: Path, state: SandboxState, max_bytes: int) -> None:
        self._path = folder / "chats.jsonl"
        self._state = state
        self._max_bytes = max_bytes
        self._size = 0
        self._file = -1

    def restore(self) -> None:
        """Put the chats of the journal into the state, and begin a new journal with them."""
        if self._path.is_file():
            with self._path.open("rb") as file:
                while line := file.readline(_LONGEST_LINE):
                    # A journal of another version, or one that was changed by hand, costs its own lines only.
                    with contextlib.suppress(LookupError, TypeError, ValueError, AttributeError):
                        self._replay(orjson.loads(line))
        self._rewrite()

    def add(self, kind: str, event: bytes) -> None:
        """Write an event down. Events that end by themselves, as drafts do, are not kept."""
        if kind not in _KEPT or self._file < 0:
            return
        try:
            self._size += os.write(self._file, event + b"\n")
        except OSError as error:
            log.warning("the chats of the sandbox are not kept from here on: %s", error.strerror)
            self.close()
            return
        if self._size > self._max_bytes:
            self._rewrite()

    def close(self) -> None:
        """Close the journal."""
        if self._file >= 0:
            os.close(self._file)
        self._file = -1

    # -- reading --------------------------------------------------------------------------------------------------

    def _replay(self, event: Json) -> None:
        if event["type"] == "reset":
            self._state.clear()
            return
        dialog = self._state.open_dialog(event["dialog"])
        if dialog is not None:  # its bot or person may be gone
            self._replay_in(dialog, event)

    def _replay_in(self, dialog: Dialog, event: Json) -> None:
        match event["type"]:
            case "message" | "edit":
                self._replay_message(dialog, event)
            case "delete":
                for number in event["message_ids"]:
                    dialog.messages.pop(number, None)
            case "keyboard":
                dialog.reply_keyboard = event["reply_keyboard"]
            case "blocked":
                dialog.blocked = bool(event["blocked"])
            case "topics":
                topics = [ForumTopic(one["id"], one["name"], is_closed=one["is_closed"]) for one in event["topics"]]
                dialog.topics = {topic.id: topic for topic in topics}
            case "reaction":
                dialog.messages[event["message_id"]].reactions = event["reactions"]
            case "user_reaction":
                dialog.messages[event["message_id"]].user_reactions[event["user_id"]] = event["reactions"]

    def _replay_message(self, dialog: Dialog, event: Json) -> None:
        stored = self._read_view(event["message"])
        if event["type"] == "message":
            self._state.apply_keyboard(dialog, stored.sent_markup)
            dialog.started = True
        elif stored.message["message_id"] not in dialog.messages:
            return
        dialog.add(stored)

    def _read_view(self, view: Json) -> DialogMessage:
        message = {name: value for name, value in view.items() if name not in _OF_VIEW}
        markup = message.get("reply_markup")
        if markup is not None and "inline_keyboard" not in markup:
            del message["reply_markup"]
        is_service = any(name.startswith(_SERVICE) for name in message)
        sender = message["from"]["id"]
        bot = next((bot for bot in self._state.bots.values() if bot.user["id"] == sender), None)
        reactions = {int(user): given for user, given in view.get("user_reactions", {}).items()}
        return DialogMessage(
            message,
            bot=None if is_service else bot,
            sent_markup=markup,
            edited=bool(view.get("edited")),
            is_service=is_service,
            reactions=view.get("reactions", []),
            user_reactions=reactions,
        )

    # -- writing --------------------------------------------------------------------------------------------------

    def _rewrite(self) -> None:
        """Write the journal anew; a crash in between leaves the old one."""
        self.close()
        content = b"".join(reversed(list(self._describe_newest())))
        fresh = self._path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        self._file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with open(self._file, "wb", closefd=False) as file:
            file.write(content)
        fresh.replace(self._path)
        self._size = len(content)

    def _describe_newest(self) -> Iterator[bytes]:
        """Yield the chats as lines, the newest first, as long as there is room."""
        left = self._max_bytes // 2
        chats = [dialog for dialog in self._state.dialogs if dialog.messages or dialog.blocked]
        for dialog in sorted(chats, key=lambda dialog: max(dialog.messages, default=0), reverse=True):
            lines = _describe(dialog)
            left -= len(lines)
            if left < 0:
                return
            yield lines


def _describe(dialog: Dialog) -> bytes:
    events: list[dict[str, Any]] = [
        {"type": "topics", "topics": [topic.to_view() for topic in dialog.topics.values()]},
        {"type": "blocked", "blocked": dialog.blocked},
        *({"type": "message", "message": stored.to_view()} for stored in dialog.messages.values()),
        {"type": "keyboard", "reply_keyboard": dialog.reply_keyboard},
    ]
    return b"".join(orjson.dumps({"dialog": dialog.key, **event}) + b"\n" for event in events)
