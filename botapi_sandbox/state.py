"""State of the sandbox: users and messages. Does no I/O itself; it publishes events and queues updates."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from botapi_sandbox.chats import CONTENT_FIELDS, Bot, Dialog, DialogMessage, ForumTopic, Json, make_reference
from botapi_sandbox.id_sequence import PersistentIdSequence
from botapi_sandbox.refusals import ApiRefusalError, bad_request, forbidden
from botapi_sandbox.update_queue import UpdateQueue

if TYPE_CHECKING:
    from botapi_sandbox.event_log import EventLog
    from botapi_sandbox.id_sequence import IdLedger
    from botapi_sandbox.settings import SandboxPerson, SandboxSettings, Supergroup

_MAX_USERS = 100_000
_INLINE = "inline_keyboard"


class SandboxState:
    """Bots, people, groups and their dialogs."""

    def __init__(self, settings: SandboxSettings, ledger: IdLedger, events: EventLog) -> None:
        self._settings = settings
        self._events = events
        self._ledger = ledger
        # Kept apart from the dialogs: emptying the chats must not repeat an id.
        self._group_message_ids: dict[int, PersistentIdSequence] = {}
        self.bots: dict[str, Bot] = {}
        self._bots_by_username: dict[str, Bot] = {}
        for account in settings.bots:
            user: Json = {"id": account.id, "is_bot": True, "first_name": account.name, "username": account.username}
            ids = PersistentIdSequence(ledger)
            queue = UpdateQueue(ids, settings.updates_kept, hold_seconds=settings.poll_hold_seconds)
            bot = Bot(account, user, queue, PersistentIdSequence(ledger))
            self.bots[account.token] = self._bots_by_username[account.username.lower()] = bot
        self.users: dict[int, Json] = {}
        for person in settings.users:
            self.add_user(person)
        self.groups: dict[int, Supergroup] = {group.id: group for group in settings.groups}
        self._dialogs: dict[str, Dialog] = {}

    # -- people ---------------------------------------------------------------------------------------------------

    def add_user(self, person: SandboxPerson) -> Json:
        """Add a user, or return the user with this id.

        Raises ValueError if the id is invalid or there are too many users.
        """
        if person.id in self.users:
            return self.users[person.id]
        if not 0 < person.id < 2**52:  # #user: at most 52 significant bits
            raise ValueError("a user id is a positive number of at most 52 bits")
        if len(self.users) >= _MAX_USERS:
            raise ValueError("there are too many users already")
        fields = ("last_name", "username", "language_code")
        user: Json = {"id": person.id, "is_bot": False, "first_name": person.first_name}
        user.update({name: getattr(person, name) for name in fields if getattr(person, name)})
        self.users[person.id] = user
        return user

    def pick_user_id(self) -> int:
        """Return an unused user id."""
        return max([*self.users, 7_000_000_000]) + 1

    def find_user(self, user_id: int) -> Json | None:
        """A person or bot by id."""
        bot = next((bot for bot in self.bots.values() if bot.user["id"] == user_id), None)
        return self.users.get(user_id) or (bot.user if bot else None)

    def find_bot(self, username: str) -> Bot | None:
        """A bot by its username, with or without the at sign."""
        return self._bots_by_username.get(username.lstrip("@").lower())

    # -- dialogs --------------------------------------------------------------------------------------------------

    def open_private(self, bot: Bot, user: Json) -> Dialog:
        """The chat of a bot with a person, made at first use."""
        key = f"{bot.username}:{user['id']}"
        dialog = self._dialogs.get(key)
        if dialog is None:
            fields = ("first_name", "last_name", "username")
            chat = {"id": user["id"], **{name: user[name] for name in fields if name in user}, "type": "private"}
            dialog = Dialog(key, chat, self._settings.messages_per_dialog, bot.message_ids, bot=bot)
            dialog.started = self._settings.users_have_started
            self._dialogs[key] = dialog
        return dialog

    def open_group(self, group: Supergroup) -> Dialog:
        """A group's dialog, made at first use."""
        key = f"group:{group.id}"
        dialog = self._dialogs.get(key)
        if dialog is None:
            chat: Json = {"id": group.id, "title": group.title, "type": "supergroup"}
            if group.is_forum:
                chat["is_forum"] = True
            ids = self._group_message_ids.setdefault(group.id, PersistentIdSequence(self._ledger))
            dialog = Dialog(key, chat, self._settings.messages_per_dialog, ids, group=group, started=True)
            dialog.topics = {topic.id: ForumTopic(topic.id, topic.name) for topic in group.topics}
            dialog.administrators = set(group.administrators)
            self._dialogs[key] = dialog
        return dialog

    def open_dialog(self, key: str) -> Dialog | None:
        """A dialog by the address the chat page uses."""
        name, _, number = key.rpartition(":")
        if not number.lstrip("-").isdigit():
            return None
        if name == "group":
            group = self.groups.get(int(number))
            return self.open_group(group) if group else None
        bot, user = self.find_bot(name), self.users.get(int(number))
        return self.open_private(bot, user) if bot and user else None

    @property
    def dialogs(self) -> list[Dialog]:
        """Every dialog that was opened."""
        return list(self._dialogs.values())

    def find_chat(self, bot: Bot, chat_id: str) -> Dialog:
        """The chat a bot names; raises ApiRefusalError in Telegram's words."""
        if not chat_id:
            raise bad_request("chat_id is empty")
        try:
            number = int(chat_id)
        except ValueError:
            raise bad_request("chat not found") from None
        if number in self.groups:
            return self.open_group(self.groups[number])
        user = self.users.get(number)
        if user is None:
            if any(other.user["id"] == number for other in self.bots.values()):
                raise forbidden("the bot can't send messages to the bot")
            raise bad_request("chat not found")
        dialog = self.open_private(bot, user)
        if not dialog.started:
            raise bad_request("chat not found")
        return dialog

    def list_bots(self, dialog: Dialog) -> list[Bot]:
        """The bots that are in a chat."""
        return [dialog.bot] if dialog.bot else list(self.bots.values())

    # -- messages -------------------------------------------------------------------------------------------------

    def add_bot_message(self, bot: Bot, dialog: Dialog, content: Json, markup: Json | None = None) -> DialogMessage:
        """Store and show a message of a bot. The draft and the typing sign of the chat end."""
        message = self._make_message(bot.user, dialog, content)
        if markup is not None and _INLINE in markup:
            message["reply_markup"] = markup
        stored = DialogMessage(message, bot, markup)
        self.apply_keyboard(dialog, markup)
        dialog.add(stored)
        dialog.typing_until = 0.0
        self.end_draft(dialog)
        self._events.publish(dialog.key, "message", message=stored.to_view())
        return stored

    def add_service_message(
        self, bot: Bot, dialog: Dialog, content: Json, *, opens_thread: bool = False
    ) -> DialogMessage:
        """Store a service message about an action of a bot and queue it for all bots of the chat.

        With `opens_thread` it is the first message of a topic.
        """
        message = self._make_message(bot.user, dialog, content)
        if opens_thread:
            message.update(message_thread_id=message["message_id"], is_topic_message=True)
        stored = DialogMessage(message, is_service=True)
        dialog.add(stored)
        self._events.publish(dialog.key, "message", message=stored.to_view())
        for other in self.list_bots(dialog):
            if not dialog.blocked:
                other.queue.push("message", stored.message, dialog.chat_id)
        return stored

    def add_user_message(self, user: Json, dialog: Dialog, content: Json) -> DialogMessage:
        """Store and show a message of a user, and queue it for the bots that may see it."""
        message = self._make_message(user, dialog, content)
        stored = DialogMessage(message)
        dialog.add(stored)
        dialog.started = True
        self._events.publish(dialog.key, "message", message=stored.to_view())
        for bot in self.list_bots(dialog):
            if not dialog.blocked and self._may_see(bot, dialog, message):
                bot.queue.push("message", message, dialog.chat_id)
        return stored

    def _make_message(self, sender: Json, dialog: Dialog, content: Json) -> Json:
        head = {"message_id": dialog.message_ids.take(), "from": sender, "chat": dialog.chat, "date": int(time.time())}
        if "message_thread_id" in content:
            head["is_topic_message"] = True
        return {**head, **content}

    @staticmethod
    def _may_see(bot: Bot, dialog: Dialog, message: Json) -> bool:
        """Telegram's privacy mode (core.telegram.org/bots/features#privacy-mode)."""
        if dialog.is_private or bot.account.reads_all_group_messages or dialog.is_administrator(bot):
            return True
        text = message.get("text") or message.get("caption") or ""
        reply = message.get("reply_to_message", {}).get("from", {}).get("id")
        mentioned = f"@{bot.username}".lower() in text.lower()
        return mentioned or reply == bot.user["id"] or (text.startswith("/") and "@" not in text.split()[0])

    @staticmethod
    def apply_keyboard(dialog: Dialog, markup: Json | None) -> None:
        """Show or remove the keyboard that came with a message."""
        if markup is None:
            return
        if "keyboard" in markup:
            dialog.reply_keyboard = markup
        elif markup.get("remove_keyboard"):
            dialog.reply_keyboard = None

    def edit_user_message(self, dialog: Dialog, stored: DialogMessage, content: Json) -> None:
        """A person changed a message; the bots that may see it get `edited_message`."""
        kept = {name: value for name, value in stored.message.items() if name not in CONTENT_FIELDS}
        stored.message = {**kept, **content, "edit_date": int(time.time())}
        stored.edited = True
        self._events.publish(dialog.key, "edit", message=stored.to_view())
        for bot in self.list_bots(dialog):
            if self._may_see(bot, dialog, stored.message):
                bot.queue.push("edited_message", stored.message, dialog.chat_id)

    def edit_message(self, dialog: Dialog, stored: DialogMessage, content: Json, markup: Json | None) -> Json:
        """Replace the content of a bot's message; raises ApiRefusalError when nothing would change."""
        kept = {name: value for name, value in stored.message.items() if name not in CONTENT_FIELDS}
        fresh = {**kept, **content}
        if markup is not None:
            fresh["reply_markup"] = markup
        if _without_date(fresh) == _without_date(stored.message):
            raise bad_request(
                "message is not modified: specified new message content and reply markup are exactly the same "
                "as a current content and reply markup of the message"
            )
        fresh["edit_date"] = int(time.time())
        stored.message, stored.sent_markup, stored.edited = fresh, markup, True
        self._events.publish(dialog.key, "edit", message=stored.to_view())
        return fresh

    def delete_messages(self, dialog: Dialog, message_ids: list[int]) -> None:
        """Remove messages from a dialog."""
        gone = [number for number in message_ids if dialog.messages.pop(number, None) is not None]
        if gone:
            self._events.publish(dialog.key, "delete", message_ids=gone)

    def end_draft(self, dialog: Dialog) -> None:
        """The streamed preview vanishes."""
        draft, dialog.draft = dialog.draft, None
        if draft is not None:
            if draft.timer is not None:
                draft.timer.cancel()
            self._events.publish(dialog.key, "draft", draft=None)

    def find_reply(self, dialog: Dialog, message_id: int) -> Json | None:
        """The `reply_to_message` for a message id, if the message is there."""
        stored = dialog.messages.get(message_id)
        return make_reference(stored.message) if stored else None

    # -- other ----------------------------------------------------------------------------------------------------

    def set_blocked(self, dialog: Dialog, user: Json, *, blocked: bool) -> None:
        """A person blocks or unblocks a bot; the bot gets `my_chat_member`."""
        if dialog.bot is None or dialog.blocked == blocked:
            return
        dialog.blocked = blocked
        self._events.publish(dialog.key, "blocked", blocked=blocked)
        member: Json = {"user": dialog.bot.user, "status": "member"}
        kicked: Json = {"user": dialog.bot.user, "status": "kicked", "until_date": 0}
        old, new = (member, kicked) if blocked else (kicked, member)
        change = {"chat": dialog.chat, "from": user, "date": int(time.time())}
        dialog.bot.queue.push(
            "my_chat_member", {**change, "old_chat_member": old, "new_chat_member": new}, dialog.chat_id
        )

    def check_not_blocked(self, dialog: Dialog) -> None:
        """Raise ApiRefusalError 403 if the user of the chat has blocked the bot."""
        if dialog.blocked:
            raise ApiRefusalError(403, "Forbidden: bot was blocked by the user")

    def clear(self) -> None:
        """Empty every chat; people and groups stay."""
        for dialog in self._dialogs.values():
            if dialog.draft and dialog.draft.timer:
                dialog.draft.timer.cancel()
        self._dialogs.clear()
        for bot in self.bots.values():
            bot.queue.clear()

    def describe_group(self, group: Supergroup) -> Json:
        """A group as the chat page lists it."""
        return {
            "id": group.id,
            "title": group.title,
            "names": dict(group.names),
            "is_forum": group.is_forum,
            "topics": [topic.to_view() for topic in self.open_group(group).topics.values()],
            "members": list(self.users),
            "bots": [bot.username for bot in self.bots.values()],
        }


def _without_date(message: Json) -> dict[str, Any]:
    return {name: value for name, value in message.items() if name != "edit_date"}
